"""Reading and editing of ~/.aws/config and ~/.aws/credentials, as botocore reads them.

grammar    the grammar of both files
files      reads them
edit       changes a file as text
stored     reads and replaces ~/.aws/config whole, with a copy of the previous file beside it
start_url  start URLs of the access portal, and the region in their host
"""
