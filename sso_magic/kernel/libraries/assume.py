"""botocore's own way of assuming the roles of a chain of profiles, on top of this package's credentials."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import botocore.credentials
import botocore.exceptions
import botocore.session

from sso_magic.config.files import file_paths
from sso_magic.errors import CredentialsError
from sso_magic.kernel.libraries import logs
from sso_magic.kernel.libraries.unowned import without_owner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sso_magic.credentials.role_credentials import Credentials

_GLOBAL_REGION = "us-east-1"  # of STS's global endpoint


class Chain:
    """A chain of profiles, whose roles botocore assumes one after another.

    Args:
        name: The profile whose role is wanted.
        environ: The environment as it is without a role in use.
        end: The SSO profile at the chain's end, if it ends at one.
        source: The credentials of that profile.
        ask: Returns the code of an MFA device; None if nobody can be asked.
        session_name: The role session's name where a profile has none.

    Attributes:
        asked: What STS was asked last.
    """

    METHOD = "sso_magic"  # botocore's name for where credentials come from
    CANONICAL_NAME = None

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        end: str | None,
        source: Credentials | None,
        ask: Callable[[str], str] | None,
        session_name: str,
    ) -> None:
        logs.install()
        self.asked: dict[str, Any] = {}
        self._name = name
        self._environ = environ
        self._end = end
        self._source = source
        self._ask = ask
        self._session_name = session_name
        config_path, credentials_path = file_paths(environ)
        # Variables that a role in use changes are taken from the environment without it.
        with without_owner():
            self._session = botocore.session.Session(
                session_vars={
                    "profile": (None, None, None, None),
                    "config_file": (None, None, str(config_path), None),
                    "credentials_file": (None, None, str(credentials_path), None),
                    "region": ("region", None, None, None),
                },
                profile=name,
            )
        if "AWS_DEFAULT_REGION" in environ:
            self._session.set_config_variable("region", environ["AWS_DEFAULT_REGION"])

    def keys(self) -> dict[str, Any]:
        """Return the credentials by botocore's names.

        Raises:
            BotoCoreError: The chain cannot be followed, or STS cannot be asked.
            ClientError: STS refuses.
        """
        try:
            return self._keys()
        except botocore.exceptions.NoRegionError:  # an endpoint is configured and no region, which signing needs
            self._session.set_config_variable("region", _GLOBAL_REGION)
            return self._keys()

    def _keys(self) -> dict[str, Any]:
        provider = botocore.credentials.AssumeRoleProvider(
            load_config=self._configuration,
            client_creator=self._client,
            cache={},
            profile_name=self._name,
            prompter=self._prompt,
            credential_sourcer=botocore.credentials.CanonicalNameCredentialSourcer(self._sources()),
            profile_provider_builder=self,
        )
        keys: dict[str, Any] = provider.load()._refresh_using()  # noqa: SLF001 - the public way has no expiry
        return keys

    def providers(self, profile_name: str, disable_env_vars: bool = False) -> list[Any]:  # noqa: FBT001, FBT002
        """Return what gives the credentials of a source profile; botocore calls this."""
        if profile_name == self._end:
            return [self]
        builder = botocore.credentials.ProfileProviderBuilder(self._session, cache={})
        providers: list[Any] = builder.providers(profile_name, disable_env_vars)
        return providers

    def load(self) -> Any:
        """Return the credentials of the SSO profile; botocore calls this."""
        assert self._source is not None
        return botocore.credentials.Credentials(
            self._source.access_key_id.reveal(),
            self._source.secret_access_key.reveal(),
            self._source.session_token.reveal(),
        )

    def _sources(self) -> list[Any]:
        """Return what ``credential_source`` may name, in the environment as it is without a role."""
        everywhere = botocore.credentials.create_credential_resolver(self._session).providers
        machine = [one for one in everywhere if isinstance(one, botocore.credentials.InstanceMetadataProvider)]
        return [
            botocore.credentials.EnvProvider(self._environ),
            botocore.credentials.ContainerProvider(self._environ),
            *machine,
        ]

    def _configuration(self) -> dict[str, Any]:
        full: dict[str, Any] = copy.deepcopy(self._session.full_config)
        for keys in full["profiles"].values():
            if "role_arn" in keys:
                keys.setdefault("role_session_name", self._session_name)
        return full

    def _client(self, service: str, **options: Any) -> Any:
        client = self._session.create_client(service, **options)
        client.meta.events.register("provide-client-params.sts", self._note)
        return client

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self.asked = {name: value for name, value in params.items() if name != "TokenCode"}

    def _prompt(self, question: str) -> str:
        if self._ask is None:
            raise CredentialsError(f"Profile {self._name} asks for an MFA code, and no one can enter it here.")
        try:
            code = "".join(self._ask(question).split())  # authenticators show it in groups of digits
        except EOFError:  # Ctrl-D
            code = ""
        if not code:
            raise CredentialsError(f"No MFA code was entered. Run %sso_use {self._name} again.")
        return code
