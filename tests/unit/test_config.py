"""settings.py: stack config first, then the environment, which wins; and what is refused."""

from __future__ import annotations

import pytest
from pulumi_plugchoice.config import ClientCredentials, Options, Token, base_url, offline, site
from pulumi_plugchoice.errors import ConfigError

SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
WITH_TOKEN = {"PLUGCHOICE_TOKEN": "a-token"}
WHERE = "PLUGCHOICE_BASE_URL or plugchoice:baseUrl"


def test_defaults_need_a_token_only() -> None:
    """Where the API is, and how long things may take."""
    settings = Options.load({}, WITH_TOKEN)
    assert settings == Options("https://app.plugchoice.com/api", Token("a-token"), None, 30.0, 120.0)


def test_everything_can_come_from_the_stack_config() -> None:
    """All config keys."""
    config = {
        "plugchoice:baseUrl": "https://plugchoice.example/api/",
        "plugchoice:site": SITE.upper(),
        "plugchoice:clientId": "client",
        "plugchoice:clientSecret": "hush",
        "plugchoice:token": None,
    }
    expected = Options("https://plugchoice.example/api", ClientCredentials("client", "hush"), SITE)
    assert Options.load(config, {}) == expected


def test_the_environment_wins() -> None:
    """Over the config of the same name; refresh and destroy see an old config."""
    config = {
        "plugchoice:baseUrl": "https://old.example/api",
        "plugchoice:site": "ffffffff-ffff-4fff-8fff-ffffffffffff",
        "plugchoice:token": "old",
    }
    environment = {
        "PLUGCHOICE_BASE_URL": "https://new.example/api",
        "PLUGCHOICE_SITE": SITE,
        "PLUGCHOICE_TOKEN": "new",
        "PLUGCHOICE_TIMEOUT_SECONDS": "2.5",
        "PLUGCHOICE_DEADLINE_SECONDS": "7",
    }
    assert Options.load(config, environment) == Options("https://new.example/api", Token("new"), SITE, 2.5, 7.0)


def test_an_empty_variable_counts_as_not_set() -> None:
    """CI systems set variables of missing secrets to the empty text."""
    config = {"plugchoice:token": "kept", "plugchoice:site": SITE}
    settings = Options.load(config, {"PLUGCHOICE_TOKEN": "", "PLUGCHOICE_SITE": "  "})
    assert (settings.credentials, settings.site) == (Token("kept"), SITE)


def test_a_client_in_the_environment_replaces_a_token_in_config() -> None:
    """The environment is asked as a whole, so two kinds in two places are no conflict."""
    environment = {"PLUGCHOICE_CLIENT_ID": "client", "PLUGCHOICE_CLIENT_SECRET": "hush"}
    settings = Options.load({"plugchoice:token": "old"}, environment)
    assert settings.credentials == ClientCredentials("client", "hush")


def test_blanks_around_a_token_are_not_sent() -> None:
    """A token pasted with its line end."""
    assert Options.load({}, {"PLUGCHOICE_TOKEN": " a-token\n"}).credentials == Token("a-token")


@pytest.mark.parametrize(
    ("config", "environment", "message"),
    [
        (
            {},
            {},
            "no credentials: set PLUGCHOICE_TOKEN to a personal access token (Plugchoice: Options > Personal Access "
            "Tokens), or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET; for a preview without network set "
            "PLUGCHOICE_OFFLINE=1",
        ),
        (
            {},
            {"PLUGCHOICE_TOKEN": "t", "PLUGCHOICE_CLIENT_ID": "c"},
            "both PLUGCHOICE_TOKEN and PLUGCHOICE_CLIENT_ID or PLUGCHOICE_CLIENT_SECRET are set: "
            "keep one kind of credentials",
        ),
        (
            {"plugchoice:token": "t", "plugchoice:clientSecret": "s"},
            {},
            "both plugchoice:token and plugchoice:clientId or plugchoice:clientSecret are set: "
            "keep one kind of credentials",
        ),
        (
            {},
            {"PLUGCHOICE_CLIENT_ID": "c"},
            "PLUGCHOICE_CLIENT_SECRET is missing: an OAuth2 client needs both PLUGCHOICE_CLIENT_ID and "
            "PLUGCHOICE_CLIENT_SECRET",
        ),
        (
            {"plugchoice:clientSecret": "s"},
            {},
            "plugchoice:clientId is missing: an OAuth2 client needs both plugchoice:clientId and "
            "plugchoice:clientSecret",
        ),
        ({}, {"PLUGCHOICE_TOKEN": "a b"}, "PLUGCHOICE_TOKEN holds a blank or a sign that no token has: copy it again"),
        (
            {"plugchoice:token": "tok\u2026"},
            {},
            "plugchoice:token holds a blank or a sign that no token has: copy it again",
        ),
    ],
)
def test_credentials_that_cannot_be_right_are_refused(
    config: dict[str, str | None], environment: dict[str, str], message: str
) -> None:
    """With the names that the user has to set, and never a value."""
    with pytest.raises(ConfigError) as refused:
        Options.load(config, environment)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://app.plugchoice.com/api/", "https://app.plugchoice.com/api"),
        ("https://App.Plugchoice.COM/api", "https://app.plugchoice.com/api"),
        ("https://proxy.example:8443/plug/Choice", "https://proxy.example:8443/plug/Choice"),
        ("http://localhost:8080/api", "http://localhost:8080/api"),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api"),
        ("http://[::1]:8080/api", "http://[::1]:8080/api"),
    ],
)
def test_base_urls_are_brought_into_one_form(text: str, url: str) -> None:
    """No slash at the end, host in lower case (next-page links are compared with it), the path as it is."""
    assert base_url({}, {"PLUGCHOICE_BASE_URL": text}) == url


@pytest.mark.parametrize(
    "text",
    [
        "https://",
        "//plugchoice.example",
        "plugchoice.example/api",
        "https://h:99999",
        "https://[::1",
        "https://a b/api",
    ],
)
def test_garbage_is_no_base_url(text: str) -> None:
    """With an example of one."""
    with pytest.raises(ConfigError) as refused:
        base_url({}, {"PLUGCHOICE_BASE_URL": text})
    shown = text.rstrip("/")
    assert str(refused.value) == (
        f"the base URL {shown!r} is not a URL: set {WHERE} to something like https://app.plugchoice.com/api"
    )


@pytest.mark.parametrize("host", ["plugchoice.example", "127.0.0.1.example", "10.0.0.1", "localhost.example"])
def test_plain_http_is_refused_off_loopback(host: str) -> None:
    """Anyone on the way could read the token."""
    with pytest.raises(ConfigError) as refused:
        base_url({"plugchoice:baseUrl": f"http://{host}/api"}, {})
    assert str(refused.value) == (
        f"the base URL 'http://{host}/api' would send the token in plain text: set {WHERE} to an https URL "
        "(plain http is for loopback only)"
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hush@plugchoice.example/api",
        "https://user@plugchoice.example/api",
        "https://user:hush@plugchoice.example:port/api",
        "ftp://user:hush@plugchoice.example",
        "user:hush@plugchoice.example/api",
    ],
)
def test_a_password_in_the_base_url_is_refused_and_not_shown(text: str) -> None:
    """Also when the URL is wrong in another way as well."""
    with pytest.raises(ConfigError) as refused:
        base_url({}, {"PLUGCHOICE_BASE_URL": text})
    assert str(refused.value) == (
        f"the base URL holds a user or password: set {WHERE} without one, and PLUGCHOICE_TOKEN"
    )


@pytest.mark.parametrize("tail", ["?token=hush", "#hush", "?a=hush#hush"])
def test_a_query_in_the_base_url_is_refused_and_not_shown(tail: str) -> None:
    """People put tokens there."""
    with pytest.raises(ConfigError) as refused:
        base_url({}, {"PLUGCHOICE_BASE_URL": "https://plugchoice.example/api" + tail})
    assert str(refused.value) == (
        f"the base URL has a query or fragment after 'https://plugchoice.example/api': set {WHERE} without one"
    )


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "on", " On "])
def test_offline_is_on(text: str) -> None:
    """Every usual way to say so."""
    assert offline({"PLUGCHOICE_OFFLINE": text}) is True


@pytest.mark.parametrize("text", ["", "0", "false", "No", "off", "  "])
def test_offline_is_off(text: str) -> None:
    """Likewise; and without the variable."""
    assert offline({"PLUGCHOICE_OFFLINE": text}) is False
    assert offline({}) is False


def test_a_mistyped_offline_is_refused() -> None:
    """It must not reach the network, so it is neither."""
    with pytest.raises(ConfigError) as refused:
        offline({"PLUGCHOICE_OFFLINE": "ture"})
    assert str(refused.value) == "PLUGCHOICE_OFFLINE='ture' is neither on nor off: set it to 1 or 0"


def test_a_site_that_is_no_uuid_is_refused() -> None:
    """A name, say."""
    with pytest.raises(ConfigError) as refused:
        site({"plugchoice:site": "Harbour"}, {})
    assert str(refused.value) == (
        "the site 'Harbour' is not a UUID: set PLUGCHOICE_SITE or plugchoice:site to the UUID of the site (location) "
        "as Plugchoice shows it"
    )


@pytest.mark.parametrize("name", ["PLUGCHOICE_TIMEOUT_SECONDS", "PLUGCHOICE_DEADLINE_SECONDS"])
@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "1e999"])
def test_seconds_are_above_zero_and_finite(name: str, text: str) -> None:
    """No waiting for ever, and no giving up at once."""
    with pytest.raises(ConfigError) as refused:
        Options.load({}, {**WITH_TOKEN, name: text})
    assert str(refused.value) == f"{name}={text!r} is no number of seconds above 0"


def test_no_repr_shows_a_secret() -> None:
    """Debuggers and tracebacks print reprs."""
    token = Options.load({}, {"PLUGCHOICE_TOKEN": "hush-token"})
    client = Options.load({}, {"PLUGCHOICE_CLIENT_ID": "client", "PLUGCHOICE_CLIENT_SECRET": "hush-secret"})
    assert "hush" not in f"{token!r} {token} {client!r} {client}"
    assert "client_id='client'" in repr(client)
