"""What several rooms need: files and locks, text and times, the environment, the redaction of secrets.

secret             `Secret`, a token or key that is shown nowhere; redaction: known secrets, taken out of what is shown
text               text from elsewhere, as it may be shown; escaped_frame: the same for DataFrames; times: moments
output             where a line is shown; hints: the command that a message names; lexer: the words of a magic's line
cells              runs the text of a cell inside a magic
environment        which AWS variables a role sets and removes; c_environment: room for them in the C library
session_name       the notebook that a Jupyter server has started this kernel for
cache              the files shared with the AWS CLI and botocore; whole_file: a file written whole or not at all
file_lock          a lock between processes; locks: locks between threads
leftovers          removes what killed processes left; runtime_directory: files for child processes
process_groups     child processes that end together
interrupts         what a Ctrl-C does not cut short
loopback           an HTTP server on 127.0.0.1
notify             change notifications
regions            AWS's regions; defaults: settings' defaults; jitter: random numbers that spread requests
"""
