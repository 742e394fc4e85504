"""Nothing leaves the machine on its own: the usage reports of the libraries that Vitascope uses are switched off.

`import vitascope` calls `disable_reports`, so that it holds for every entry point: programs that call the API, the
command line, workers, forks, the server, tests, training and evaluation. Most of these libraries read their variable
once, some while they are imported, and child processes inherit the environment: so it has to be set before anything
else is imported, and the environment is the place to set it.
"""

import os
from collections.abc import MutableMapping

OPT_OUTS = {
    # Its wheels write a device id and a database to ~/.cache while they are imported, and look up a host later on:
    # `disable_telemetry_events` comes too late for the files.
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    # transformers asks the hub to convert weights that are not in safetensors, from a thread of its own.
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "GRADIO_ANALYTICS_ENABLED": "False",
    # What many other tools honour (consoledonottrack.com), among them those that a later release may depend on.
    "DO_NOT_TRACK": "1",
    "DISABLE_TELEMETRY": "1",
}
"""The variables that switch off usage reports, and their values."""


def disable_reports(environ: MutableMapping[str, str] = os.environ) -> None:
    """Switch off the usage reports of all libraries, but for those that the environment has asked for by name."""
    for name, value in OPT_OUTS.items():
        # An empty variable counts as none for most of these libraries.
        if not environ.get(name):
            environ[name] = value
