"""An Identity Center as the user's Python sees it: sessions, roles and their credentials.

identity_center       `IdentityCenter`, one session that is signed in, which magics, panel and scripts call; what is
                      cached is shown at once, and refreshed behind
connection            its clients and its access token: what a call to the portal takes
sign_in               signing in, and the line that says until when one is signed in
shared                the Identity Centers of this process, one a session, and signing out of all of them
role                  `Role`, an account and a role as one handle; handle: what a library's provider needs of it
role_access           a role's credentials, from the shared cache or the portal
role_sessions         aiobotocore sessions of a role, for s3fs
credential_providers  what each library calls to renew the credentials of a role; iceberg_io: PyIceberg's FileIO
ending                what ends soon and cannot be renewed
"""
