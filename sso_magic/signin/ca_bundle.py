"""The CA bundle for hosts that have no client of their own: the one of the sign-in service's client."""

from __future__ import annotations


def sign_in_ca_bundle() -> str | None:
    """Return the CA bundle that the sign-in service's client uses; None for the one of requests.

    Raises:
        ConfigError: A setting names a bundle that cannot be used.
    """
    from sso_magic.config.files import usable_config
    from sso_magic.oidc import SSOOIDC

    with SSOOIDC(region="us-east-1", shared_config=usable_config()) as client:  # it does not depend on the region
        bundle: str | None = client.config.ca_bundle
        return bundle
