"""What `%sso_doctor` looks at: the configuration, the directories and the network; it changes nothing."""
