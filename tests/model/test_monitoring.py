"""Of the settings of the log agent only the version of the schema is kept."""

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
    assert decode_answer(msgspec.json.encode(answer), AgentSettings).log_schema == schema
