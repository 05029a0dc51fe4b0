"""What several rooms need: files and locks, text and times, the environment, the redaction of secrets."""
