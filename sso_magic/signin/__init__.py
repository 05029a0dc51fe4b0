"""Gets an access token, keeps it valid, shares it with the AWS CLI and other kernels.

sessions        the sessions and profiles of ~/.aws/config; sso_session: one of them
vanity          start URLs of a company's own
tokens          the token file (PROTOCOL.md 6.1); marks: which sign-in a token belongs to
store           where tokens are kept: that file, or the system's keychain
access_token    `TokenProvider`: a session's access token: sign in, refresh, sign out; refusals: tokens refused by AWS
registration    the client registration and its file (7.3)
choice          the method of a sign-in, and why; flow: one sign-in by that method
device          device authorization: a code that is approved on any machine (2.6)
browser         authorization code with PKCE through the browser (2.7); opener: opens it
browser_answer  the wait for the browser's answer; callback_page: the page that it sees; pasted: the address, pasted
where           whether the browser is on this machine; machine: the signs of it
prompt          what a sign-in shows a person
waiting         ends a prompt when it is canceled or when another program has signed in
noninteractive  a sign-in in a run without a person
ca_bundle       the CA bundle for hosts that have no client of their own

The file is shared: whatever is in memory here, the file says who is signed in.
"""

from __future__ import annotations
