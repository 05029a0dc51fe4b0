"""How an AWS JSON service is called: what `SSO` (`sso_magic.portal`) and `SSOOIDC` (`sso_magic.oidc`) share.

base              `Client`: configuration, middleware stack, send, submit, destroy
config            settings from code, environment and shared file become one frozen configuration; settings: one of them
endpoints         region, FIPS, dual-stack and custom endpoint become a URL
network           proxies, looked up once; ca_bundle: the CA bundle
command           a call of an operation; service: the service and its operations
options           the options that all methods take
portal_model      the portal's commands, outputs and errors; oidc_model: the sign-in service's
grants            the grant types of OAuth
shapes            what goes over the wire, declared once a field
wire              a command becomes a request, a response becomes an output or an error
errors            `ServiceException`; metadata: what is known beside an answer
middleware        functions around a call; middleware_stack: their order; builtin: the client's own ones
retry             when a call is made again; adaptive: behind a rate limiter; patience: while a person or a run waits
messages          a request, a response, and what carries one to the other
http              requests' adapter between them; pooled: its connections; quiet: its debug level
transport_errors  what requests raises becomes an error of this package
service_clock     what time it is at AWS
pagination        page after page
signout           the local half of a logout
user_agent        the header ``user-agent``

A call runs through the middlewares from top to bottom: given an endpoint, checked and serialized, given headers, then,
once an attempt, sent by the request handler, and deserialized on the way back. Import from `sso_magic.portal` and
`sso_magic.oidc`; this package itself imports nothing.
"""
