"""Names and forms that users' programs, CI settings and stored states depend on: none may change."""

from __future__ import annotations

import ast
import base64
import pickle
import re
import sys
from importlib import import_module, metadata, resources
from pathlib import Path

import pulumi_plugchoice
from pulumi.dynamic.dynamic import serialize_provider
from pulumi_plugchoice import ChargerConnector
from pulumi_plugchoice.balance import PhaseBalance, PhaseBalanceProvider
from pulumi_plugchoice.config import DEFAULT_BASE_URL, OPTIONS
from pulumi_plugchoice.connector import ChargerConnectorProvider
from pulumi_plugchoice.runtime.stored import COMPUTED, FACTS, STORED_INPUTS, make_id
from pulumi_plugchoice.sitefile.assess import FIGURES
from pulumi_plugchoice.sitefile.definition import DECLARED

CHARGER = "5f0c3c1e-0000-4000-8000-000000000001"

# What every state of every user holds: module path, class name, and no attribute.
PICKLED = "gASVPwAAAAAAAACMG3B1bHVtaV9wbHVnY2hvaWNlLmNvbm5lY3RvcpSMGENoYXJnZXJDb25uZWN0b3JQcm92aWRlcpSTlCmBlC4="


BALANCE_PICKLED = "gASVOQAAAAAAAACMGXB1bHVtaV9wbHVnY2hvaWNlLmJhbGFuY2WUjBRQaGFzZUJhbGFuY2VQcm92aWRlcpSTlCmBlC4="


def test_the_balance_is_stored_by_the_same_rules() -> None:
    """Type token, module path, no attribute, no secret."""
    assert PhaseBalance._resource_type_name == "dynamic/plugchoice:PhaseBalance"
    provider = PhaseBalanceProvider()
    assert vars(provider) == {}
    assert provider.serialize_as_secret_always is False
    raw = bytearray(base64.b64decode(serialize_provider(provider)))
    raw[1] = 4
    assert base64.b64encode(raw).decode() == BALANCE_PICKLED


def test_the_stored_properties_of_the_balance_are_these() -> None:
    """What previews show and later versions read."""
    assert (*DECLARED, *FIGURES) == (
        "site", "net_type", "neutral", "main_fuse_amps", "safety_margin_percent", "building_amps", "limits", "groups",
        "chargers", "connectors", "unmanaged", "restored", "dc",
        "usable_amps", "single_phase_l1", "single_phase_l2", "single_phase_l3", "three_phase_l1", "three_phase_l2",
        "three_phase_l3", "full_imbalance", "worst_imbalance", "cars_at_6_amps", "group_amps", "counted_live",
        "not_counted",
    )  # fmt: skip


def test_the_type_token_is_stored_in_every_state() -> None:
    """Another token would replace every connector of every user."""
    assert f"pulumi-python:{ChargerConnector._resource_type_name}" == (
        "pulumi-python:dynamic/plugchoice:ChargerConnector"
    )


def test_a_subclass_keeps_the_type_token() -> None:
    """A company's own defaults in a subclass are still connectors."""

    class OurConnector(ChargerConnector):
        pass

    assert OurConnector._resource_type_name == ChargerConnector._resource_type_name
    assert ChargerConnector._resource_type_name == "dynamic/plugchoice:ChargerConnector"


def test_the_pickled_provider_is_the_same_to_the_byte() -> None:
    """Other bytes would show every connector as changed."""
    stored = serialize_provider(ChargerConnectorProvider())
    if sys.version_info >= (3, 14):  # pickle's default protocol went from 4 to 5: the second byte, and nothing else
        raw = bytearray(base64.b64decode(stored))
        raw[1] = 4
        stored = base64.b64encode(raw).decode()
    assert stored == PICKLED


def test_a_stored_provider_can_be_loaded() -> None:
    """By its module path, with nothing in it."""
    loaded = pickle.loads(base64.b64decode(PICKLED))  # noqa: S301 - our own bytes, above
    assert type(loaded) is ChargerConnectorProvider
    assert vars(loaded) == {}


def test_the_provider_holds_nothing_and_is_no_secret() -> None:
    """A secret would be encrypted anew in each state, and hide the inputs' changes."""
    provider = ChargerConnectorProvider()
    assert vars(provider) == {}
    assert provider.serialize_as_secret_always is False
    assert ChargerConnectorProvider.__module__ == "pulumi_plugchoice.connector"
    assert ChargerConnectorProvider.__qualname__ == "ChargerConnectorProvider"


def test_a_resource_id_is_uuid_slash_number() -> None:
    """In lower case."""
    assert make_id(CHARGER.upper(), 2) == f"{CHARGER}/2"


def test_the_stored_properties_are_these() -> None:
    """Inputs and outputs by name; `charger_identity` remembers how the charger was declared."""
    assert STORED_INPUTS == (
        "charger",
        "connector_id",
        "phase_rotation",
        "max_amperage",
        "site",
        "on_adopt",
        "on_destroy",
        "charger_identity",
    )
    assert FACTS == ("power_type", "standard", "format", "max_voltage")
    assert ("managed", "adopted", "identity", *FACTS) == COMPUTED


def test_options_have_these_names() -> None:
    """In stack config, in the environment, and which of them are secret."""
    names = {(setting.config, setting.environment, setting.secret) for setting in OPTIONS}
    assert names >= {
        ("plugchoice:baseUrl", "PLUGCHOICE_BASE_URL", False),
        ("plugchoice:site", "PLUGCHOICE_SITE", False),
        ("plugchoice:token", "PLUGCHOICE_TOKEN", True),
        ("plugchoice:clientId", "PLUGCHOICE_CLIENT_ID", False),
        ("plugchoice:clientSecret", "PLUGCHOICE_CLIENT_SECRET", True),
        ("", "PLUGCHOICE_OFFLINE", False),
        ("", "PLUGCHOICE_TIMEOUT_SECONDS", False),
        ("", "PLUGCHOICE_DEADLINE_SECONDS", False),
    }
    assert all(re.fullmatch(r"(plugchoice:[a-z][A-Za-z]*)?", config) for config, _, _ in names)
    assert all(environment.startswith("PLUGCHOICE_") for _, environment, _ in names)


def test_the_api_is_where_the_vendor_says() -> None:
    """Paths below it start with /v3."""
    assert DEFAULT_BASE_URL == "https://app.plugchoice.com/api"


def test_distribution_package_and_command_have_these_names() -> None:
    """What users install, import and type."""
    distribution = metadata.distribution("pulumi-plugchoice")
    assert distribution.metadata["Name"] == "pulumi-plugchoice"
    assert distribution.version == pulumi_plugchoice.__version__
    commands = {entry.name: entry.value for entry in distribution.entry_points if entry.group == "console_scripts"}
    assert commands == {"plugchoice": "pulumi_plugchoice.cli:main"}


def test_the_package_is_typed() -> None:
    """PEP 561: type checkers of users' programs read our annotations."""
    assert resources.files("pulumi_plugchoice").joinpath("py.typed").is_file()
    assert (Path(__file__).parents[2] / "provider" / "pulumi_plugchoice" / "py.typed").is_file(), "the package moved"


def test_the_package_shows_its_public_names_and_nothing_else() -> None:
    """In `dir()`, in `import *`, and to type checkers; a removal breaks programs."""
    everything: dict[str, object] = {}
    exec("from pulumi_plugchoice import *", everything)  # noqa: S102 - the statement is what is tested
    assert set(everything) - {"__builtins__"} == set(pulumi_plugchoice.__all__)
    assert dir(pulumi_plugchoice) == sorted(pulumi_plugchoice.__all__)
    assert set(pulumi_plugchoice.__all__) == {
        "PHASE_ROTATIONS",
        "Adopted",
        "ChargerConnector",
        "ChargerDefinition",
        "ChargingSite",
        "Connector",
        "ConnectorDefinition",
        "DefaultsDefinition",
        "Figures",
        "FileMistake",
        "GroupDefinition",
        "GroupFigures",
        "LimitsDefinition",
        "LineAmpsDefinition",
        "Mistake",
        "OnAdopt",
        "OnDestroy",
        "PhaseBalance",
        "PhaseRotation",
        "Plan",
        "PlugchoiceError",
        "SiteConnector",
        "SiteDefinition",
        "SiteFile",
        "SiteFileError",
        "SupplyDefinition",
        "Visit",
        "__version__",
        "get_connector",
        "get_site_connectors",
        "load_site",
        "plan_rotation",
    }


def test_the_typed_program_uses_every_public_name() -> None:
    """`tests/typing/api.py`, which mypy and pyright read."""
    program = ast.parse((Path(__file__).parent.parent / "typing" / "api.py").read_text())
    (imports,) = (
        node for node in ast.walk(program) if isinstance(node, ast.ImportFrom) and node.module == "pulumi_plugchoice"
    )
    assert {alias.name for alias in imports.names} == set(pulumi_plugchoice.__all__)
    # ruff refuses an import that is not used.


def test_errors_can_be_imported_from_the_documented_module() -> None:
    """Programs catch them."""
    names = vars(import_module("pulumi_plugchoice.errors"))
    for name in ("ApiError", "NotFound", "PermissionDenied", "RateLimited", "ConfigError", "WriteNotSettled"):
        assert issubclass(names[name], pulumi_plugchoice.PlugchoiceError)
