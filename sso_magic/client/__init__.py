"""How an AWS JSON service is called: what `SSO` (`sso_magic.portal`) and `SSOOIDC` (`sso_magic.oidc`) share.

    base.py            Client: configuration, middleware stack, send, submit, destroy
    config.py          settings from code, environment and shared file become one frozen ClientConfig
    endpoints.py       region, FIPS, dual-stack and custom endpoint become a URL
    network.py         CA bundle and proxies, looked up once
    shared_config.py   ~/.aws/config and ~/.aws/credentials; ini.py: their grammar
    command.py         a service, its operations, a call of one
    portal_model.py    the portal's commands, outputs and errors; oidc_model.py: the other's
    shapes.py          what goes over the wire, said once a field
    wire.py            command to request, response to output or error
    errors.py          ServiceException; metadata.py: what is known beside an answer
    middleware.py      the stack; builtin.py: the client's own work in it
    retry.py           when a call is made again; adaptive.py: behind a rate limiter; patience.py: while work waits
    http.py            a request, a response, and requests' adapter between them
    transport_errors.py  what requests raises becomes an error of this package
    pagination.py      page after page
    signout.py         the local half of a logout
    user_agent.py      who asks

A call runs through the middlewares from top to bottom: given an endpoint, checked and serialized, given headers, then,
once an attempt, sent by the request handler, and deserialized on the way back. Import from `sso_magic.portal` and
`sso_magic.oidc`; this package itself imports nothing.
"""
