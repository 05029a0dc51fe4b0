"""Gets an access token, keeps it valid, shares it with the AWS CLI and other kernels.

    sessions.py       the sessions and profiles of ~/.aws/config; sso_session.py: one of them
    tokens.py         the token file (PROTOCOL.md 6.1)
    store.py          where tokens are kept: that file, or the system's keychain
    registration.py   the client registration and its file (7.3)
    device.py         device authorization: a code that is approved on any machine (2.6)
    browser.py        authorization code with PKCE through the browser (2.7)
    browser_answer.py the wait for the browser's answer: at the callback, or pasted
    pasted.py         the address that a browser on another machine ended on, pasted by the person
    where.py          whether the browser is on this machine; machine.py has the signs
    choice.py         the method of a sign-in, and why
    waiting.py        ends a prompt when it is canceled or when another program has signed in
    flow.py           one sign-in, by whichever of the two fits
    access_token.py   `TokenProvider`: what a session's access token is right now; sign in, refresh, sign out

The file is shared: whatever is in memory here, the file says who is signed in.
"""

from __future__ import annotations
