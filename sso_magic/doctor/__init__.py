"""What `%sso_doctor` looks at: the configuration, the directories and the network; it changes nothing.

report       runs the checks, and shows each finding with what to do about it
config       the AWS files and variables
directories  home, temporary files, the caches
network      the way to the portal and the sign-in service
"""
