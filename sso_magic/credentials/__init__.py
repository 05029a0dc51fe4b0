"""Credentials of a role: their cache, and what libraries, the console and AssumeRole make of them.

role_credentials  `Credentials`, and the files shared with the AWS CLI
key_ids           the access key IDs that this process has handed out, by role
storage_options   the form in which each library takes keys
federation        the AWS console, opened with a role's credentials
"""
