"""Of the settings of the log agent only the version of the schema and what is left out are kept."""

import msgspec
import pytest
from akscan.model.decode import decode_answer
from akscan.model.kubernetes import AgentSettings

SECTION = "[log_collection_settings]\n  [log_collection_settings.schema]\n"


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        (f'{SECTION}    containerlog_schema_version = "v2"\n', "v2"),
        (f'{SECTION}    containerlog_schema_version = "V1"', "v1"),
        (f'{SECTION}    # the default of containerlog_schema_version is "v1"\n', ""),
        ('[log_collection_settings]\n[other]\ncontainerlog_schema_version = "v2"\n', ""),
        (f'{SECTION}    containerlog_schema_version = "canary"\n', ""),
        ("log_collection_settings = 7", ""),
        ("no TOML: canary", ""),
        (f"deep = {'[' * 50_000}", ""),
        ("\n" * 100_000, ""),
    ],
)
def test_the_schema_is_read_from_the_settings(text, schema):
    answer = {"metadata": {"name": "container-azm-ms-agentconfig"}, "data": {"log-data-collection-settings": text}}
    assert decode_answer(msgspec.json.encode(answer), AgentSettings).logs.schema == schema


def stream(name, namespaces, switch="enabled = true"):
    return f"[log_collection_settings.{name}]\n{switch}\nexclude_namespaces = {namespaces}\n"


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        (stream("stdout", '["shop", " web "]'), {"shop": ("stdout",), "web": ("stdout",)}),
        (stream("stdout", '["shop"]') + stream("stderr", '["shop"]'), {"shop": ("stdout", "stderr")}),
        (stream("stdout", '["shop"]', "enabled = false"), {}),
        (stream("stdout", '["shop"]', ""), {}),
        (stream("stdout", '"shop"'), {}),
        (stream("stdout", '["Canary: 7", 7.5]'), {}),
        ('[log_collection_settings]\nstdout = ["shop"]\n', {}),
        ("[log_collection_settings]\n", {}),
    ],
)
def test_what_is_left_out_is_read_from_the_settings(text, excluded):
    answer = {"metadata": {"name": "container-azm-ms-agentconfig"}, "data": {"log-data-collection-settings": text}}
    assert decode_answer(msgspec.json.encode(answer), AgentSettings).logs.excluded == excluded
