"""How an AWS JSON service is called."""
