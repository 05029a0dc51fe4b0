"""Reading and editing of ~/.aws/config and ~/.aws/credentials, as botocore reads them."""
