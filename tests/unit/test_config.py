"""config.py: stack config and environment, which wins; and what is refused."""

from __future__ import annotations

import pytest
from pulumi_plugchoice.config import ClientCredentials, Options, Token, find_base_url, find_site, is_offline
from pulumi_plugchoice.errors import ConfigError

SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
WITH_TOKEN = {"PLUGCHOICE_TOKEN": "a-token"}


def test_defaults_need_a_token_only() -> None:
    """The base URL and the time limits have defaults."""
    options = Options.load({}, WITH_TOKEN)
    assert options == Options("https://app.plugchoice.com/api", Token("a-token"), None, 30.0, 120.0)


def test_the_stack_config_can_give_everything() -> None:
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
    """Refresh and destroy see an old config."""
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
    options = Options.load(config, {"PLUGCHOICE_TOKEN": "", "PLUGCHOICE_SITE": "  "})
    assert (options.credentials, options.site) == (Token("kept"), SITE)


def test_a_client_in_the_environment_replaces_a_token_in_config() -> None:
    """The environment is asked as a whole, so two kinds in two places are no conflict."""
    environment = {"PLUGCHOICE_CLIENT_ID": "client", "PLUGCHOICE_CLIENT_SECRET": "hush"}
    options = Options.load({"plugchoice:token": "old"}, environment)
    assert options.credentials == ClientCredentials("client", "hush")


def test_blanks_around_a_token_are_not_sent() -> None:
    """A token pasted with its line end."""
    assert Options.load({}, {"PLUGCHOICE_TOKEN": " a-token\n"}).credentials == Token("a-token")


@pytest.mark.parametrize(
    ("config", "environment", "message"),
    [
        (
            {},
            {},
            "credentials: not set; set PLUGCHOICE_TOKEN to a personal access token (Plugchoice: Settings > Personal "
            "Access Tokens), or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET; for a preview without network set "
            "PLUGCHOICE_OFFLINE=1",
        ),
        (
            {},
            {"PLUGCHOICE_TOKEN": "t", "PLUGCHOICE_CLIENT_ID": "c"},
            "PLUGCHOICE_TOKEN and PLUGCHOICE_CLIENT_ID: both are set; keep one kind of credentials",
        ),
        (
            {"plugchoice:token": "t", "plugchoice:clientSecret": "s"},
            {},
            "plugchoice:token and plugchoice:clientSecret: both are set; keep one kind of credentials",
        ),
        (
            {},
            {"PLUGCHOICE_CLIENT_ID": "c"},
            "PLUGCHOICE_CLIENT_SECRET: not set, but PLUGCHOICE_CLIENT_ID is; an OAuth2 client needs both",
        ),
        (
            {"plugchoice:clientSecret": "s"},
            {},
            "plugchoice:clientId: not set, but plugchoice:clientSecret is; an OAuth2 client needs both",
        ),
        (
            {},
            {"PLUGCHOICE_TOKEN": "a b"},
            "PLUGCHOICE_TOKEN: contains a blank or a character that no token has; copy it again",
        ),
        (
            {"plugchoice:token": "tok\u2026"},
            {},
            "plugchoice:token: contains a blank or a character that no token has; copy it again",
        ),
    ],
)
def test_invalid_credentials_are_refused(
    config: dict[str, str | None], environment: dict[str, str], message: str
) -> None:
    """The error names the options to set, and never shows a value."""
    with pytest.raises(ConfigError) as refused:
        Options.load(config, environment)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("token", "oddity"),
    [
        ("'1|hush'", "begins or ends with a quote; remove the quotes (docker's --env-file keeps them)"),
        ('"1|hush"', "begins or ends with a quote; remove the quotes (docker's --env-file keeps them)"),
        ('1|hush"', "begins or ends with a quote; remove the quotes (docker's --env-file keeps them)"),
        ("Bearer 1|hush", "begins with 'Bearer'; give the token alone"),
        ("bearer:hush", "begins with 'Bearer'; give the token alone"),
        ("PLUGCHOICE_TOKEN=1|hush", "begins with a name and '='; give only what follows the '='"),
        ("export TOKEN=hush", "begins with a name and '='; give only what follows the '='"),
        ("$PLUGCHOICE_TOKEN", "is a placeholder and not a token; set it to the token itself"),
        ("${{ secrets.TOKEN }}", "is a placeholder and not a token; set it to the token itself"),
        ("<your-token>", "is a placeholder and not a token; set it to the token itself"),
        ("%TOKEN%", "is a placeholder and not a token; set it to the token itself"),
        ("***", "is a placeholder and not a token; set it to the token itself"),
        ("[secret]", "is a placeholder and not a token; set it to the token itself"),
        ("undefined", "is a placeholder and not a token; set it to the token itself"),
        ("None", "is a placeholder and not a token; set it to the token itself"),
        ("op://vault/plugchoice/token", "is a placeholder and not a token; set it to the token itself"),
        ("\u201c1|hush\u201d", "begins or ends with a quote; remove the quotes (docker's --env-file keeps them)"),
        ("Token hush", "begins with 'Token'; give the token alone"),
        ("Authorization: Bearer hush", "begins with 'Authorization'; give the token alone"),
        ("1%7Chush", "has a character as URLs have it, such as %7C for |; give it as it is"),
        ("1|hush\\n", "contains a blank or a character that no token has; copy it again"),
        ("\ufeff1|hush", "contains a blank or a character that no token has; copy it again"),
        ("1|hu\udcffsh", "contains a blank or a character that no token has; copy it again"),
    ],
)
def test_a_token_of_an_odd_shape_is_refused_with_what_is_odd(token: str, oddity: str) -> None:
    """The API would answer 401, which says nothing of it. No message shows the value."""
    for config, environment, name in (
        ({}, {"PLUGCHOICE_TOKEN": token}, "PLUGCHOICE_TOKEN"),
        ({"plugchoice:token": token}, {}, "plugchoice:token"),
    ):
        with pytest.raises(ConfigError) as refused:
            Options.load(config, environment)
        assert str(refused.value) == f"{name}: {oddity}"


@pytest.mark.parametrize("text", ["${SECRET}", "'hush", "hu\udcffsh", "hu sh", "%SECRET%", "SECRET=hush", "***"])
@pytest.mark.parametrize("name", ["PLUGCHOICE_CLIENT_ID", "PLUGCHOICE_CLIENT_SECRET"])
def test_a_client_of_an_odd_shape_is_refused_too(name: str, text: str) -> None:
    client = {"PLUGCHOICE_CLIENT_ID": "17", "PLUGCHOICE_CLIENT_SECRET": "hush", name: text}
    with pytest.raises(ConfigError, match=f"^{name}: ") as refused:
        Options.load({}, client)
    assert "hu" not in str(refused.value)


@pytest.mark.parametrize(
    "token", ["1|Abc", "token-1", "basic.x", "eyJ0.eyJh-_.c2ln", "abcd==", "ab=", "x", "bearers", "a.b~c+d/e", "hush=="]
)
def test_a_token_of_a_usual_shape_is_taken(token: str) -> None:
    assert Options.load({}, {"PLUGCHOICE_TOKEN": token}).credentials == Token(token)


@pytest.mark.parametrize(
    "name",
    [
        "PLUGCHOICE_BASE_URL",
        "PLUGCHOICE_SITE",
        "PLUGCHOICE_CLIENT_ID",
        "PLUGCHOICE_CLIENT_SECRET",
        "PLUGCHOICE_REQUESTS_PER_MINUTE",
        "PLUGCHOICE_TIMEOUT_SECONDS",
        "PLUGCHOICE_DEADLINE_SECONDS",
    ],
)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_around_any_value_are_named(name: str, quote: str) -> None:
    """All variables of a docker env file have them."""
    environment = {
        "PLUGCHOICE_BASE_URL": "https://plugchoice.example/api",
        "PLUGCHOICE_SITE": SITE,
        "PLUGCHOICE_CLIENT_ID": "client",
        "PLUGCHOICE_CLIENT_SECRET": "hush",
        "PLUGCHOICE_REQUESTS_PER_MINUTE": "250",
        "PLUGCHOICE_TIMEOUT_SECONDS": "30",
        "PLUGCHOICE_DEADLINE_SECONDS": "120",
    }
    Options.load({}, environment)
    with pytest.raises(ConfigError) as refused:
        Options.load({}, {**environment, name: f"{quote}{environment[name]}{quote}"})
    assert str(refused.value) == (
        f"{name}: has quotes around its value; remove them (docker's --env-file keeps quotes)"
    )


@pytest.mark.parametrize(
    "tail",
    ["/v3", "/v3/", "/V3", "//v3//", "/v3/sites", "/v3/user", f"/v3/chargers/{SITE}/connectors/1", "/v3/teams/x"],
)
def test_a_base_url_with_the_version_is_refused_with_the_right_one(tail: str) -> None:
    """Every request would be answered 404."""
    text = f"https://plugchoice.example/api{tail}"
    with pytest.raises(ConfigError) as refused:
        find_base_url({}, {"PLUGCHOICE_BASE_URL": text})
    assert str(refused.value) == (
        f"PLUGCHOICE_BASE_URL: {text.rstrip('/')!r} includes the /v3 that begins each request's own path; use "
        "https://plugchoice.example/api"
    )


@pytest.mark.parametrize("path", ["/v3x", "/v30", "/v3/plug/api", "/apiv3", ""])
def test_a_gateways_own_path_is_not_taken_for_the_version(path: str) -> None:
    assert find_base_url({}, {"PLUGCHOICE_BASE_URL": f"https://gw.example{path}"}) == f"https://gw.example{path}"


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
def test_base_urls_are_normalised(text: str, url: str) -> None:
    """No slash at the end, host in lower case, the path as it is."""
    assert find_base_url({}, {"PLUGCHOICE_BASE_URL": text}) == url


@pytest.mark.parametrize("letter", ["\x1b", "\u202e", "\u200b", "\udcff", "\u00a0"])
def test_a_url_with_a_character_that_nobody_sees_is_refused(letter: str) -> None:
    with pytest.raises(ConfigError, match="is not a URL") as refused:
        find_base_url({}, {"PLUGCHOICE_BASE_URL": f"https://a/{letter}api"})
    assert letter not in str(refused.value)


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
def test_text_that_is_not_a_url_is_refused(text: str) -> None:
    """The error gives an example."""
    with pytest.raises(ConfigError) as refused:
        find_base_url({}, {"PLUGCHOICE_BASE_URL": text})
    url = text.rstrip("/")
    assert str(refused.value) == (
        f"PLUGCHOICE_BASE_URL: {url!r} is not a URL; use one such as https://app.plugchoice.com/api"
    )


@pytest.mark.parametrize("host", ["plugchoice.example", "127.0.0.1.example", "10.0.0.1", "localhost.example"])
def test_plain_http_is_refused_off_loopback(host: str) -> None:
    """Anyone on the way could read the token."""
    with pytest.raises(ConfigError) as refused:
        find_base_url({"plugchoice:baseUrl": f"http://{host}/api"}, {})
    assert str(refused.value) == (
        f"plugchoice:baseUrl: 'http://{host}/api' would send the token in plain text; use an https URL (plain http is "
        "for loopback only)"
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
        find_base_url({}, {"PLUGCHOICE_BASE_URL": text})
    assert str(refused.value) == (
        "PLUGCHOICE_BASE_URL: the URL contains a user or password; remove it, and set PLUGCHOICE_TOKEN"
    )


@pytest.mark.parametrize("tail", ["?token=hush", "#hush", "?a=hush#hush"])
def test_a_query_in_the_base_url_is_refused_and_not_shown(tail: str) -> None:
    """People put tokens there."""
    with pytest.raises(ConfigError) as refused:
        find_base_url({}, {"PLUGCHOICE_BASE_URL": "https://plugchoice.example/api" + tail})
    assert str(refused.value) == (
        "PLUGCHOICE_BASE_URL: the URL has a query or fragment; use https://plugchoice.example/api"
    )


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "on", " On "])
def test_offline_is_on(text: str) -> None:
    """All usual spellings."""
    assert is_offline({"PLUGCHOICE_OFFLINE": text}) is True


@pytest.mark.parametrize("text", ["", "0", "false", "No", "off", "  "])
def test_offline_is_off(text: str) -> None:
    """All usual spellings, and a variable that is not set."""
    assert is_offline({"PLUGCHOICE_OFFLINE": text}) is False
    assert is_offline({}) is False


def test_a_mistyped_offline_is_refused() -> None:
    """Otherwise it would reach the network."""
    with pytest.raises(ConfigError) as refused:
        is_offline({"PLUGCHOICE_OFFLINE": "ture"})
    assert str(refused.value) == "PLUGCHOICE_OFFLINE: 'ture' is neither on nor off; set it to 1 or 0"


def test_a_site_that_is_not_a_uuid_is_refused() -> None:
    """For example the site's name."""
    with pytest.raises(ConfigError) as refused:
        find_site({"plugchoice:site": "Harbour"}, {})
    assert str(refused.value) == (
        "plugchoice:site: 'Harbour' is not a UUID; use the UUID of the site (location) that Plugchoice shows"
    )


@pytest.mark.parametrize(
    ("name", "example"), [("PLUGCHOICE_TIMEOUT_SECONDS", 30), ("PLUGCHOICE_DEADLINE_SECONDS", 120)]
)
@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "1e999", "1e12", "86401", "٣٠", "1_0", "0x1p3"])
def test_seconds_are_above_zero_and_finite(name: str, example: int, text: str) -> None:
    """Nobody waits for ever or gives up at once, and no socket takes a timeout of thousands of years."""
    with pytest.raises(ConfigError) as refused:
        Options.load({}, {**WITH_TOKEN, name: text})
    assert str(refused.value) == (
        f"{name}: {text!r} is not a number of seconds above 0 and up to 86400; use one such as {example}"
    )


def test_no_repr_shows_a_secret() -> None:
    """Debuggers and tracebacks print reprs."""
    token = Options.load({}, {"PLUGCHOICE_TOKEN": "hush-token"})
    client = Options.load({}, {"PLUGCHOICE_CLIENT_ID": "client", "PLUGCHOICE_CLIENT_SECRET": "hush-secret"})
    assert "hush" not in f"{token!r} {token} {client!r} {client}"
    assert "client_id='client'" in repr(client)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "²", "1" * 10])
def test_a_share_of_the_request_limit_is_a_whole_number_from_1(text: str) -> None:
    """A share of nothing would wait for ever."""
    with pytest.raises(ConfigError) as refused:
        Options.load({}, {**WITH_TOKEN, "PLUGCHOICE_REQUESTS_PER_MINUTE": text})
    assert str(refused.value) == (
        f"PLUGCHOICE_REQUESTS_PER_MINUTE: {text!r} is not a whole number from 1; use one such as 250"
    )


def test_a_share_of_thousands_of_digits_is_one_short_line() -> None:
    """Python refuses to read such a number."""
    with pytest.raises(ConfigError) as refused:
        Options.load({}, {**WITH_TOKEN, "PLUGCHOICE_REQUESTS_PER_MINUTE": "9" * 5000})
    assert str(refused.value) == (
        f"PLUGCHOICE_REQUESTS_PER_MINUTE: '{'9' * 59}…' is not a whole number from 1; use one such as 250"
    )
