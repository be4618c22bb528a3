"""One call of the ASM API as a command, for playbooks that have no module for it.

``asm_call.py WORLD.json ACTION [NAME=VALUE ...]``; prints the answer as JSON. An object that is there already
is no failure.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any


def call(world: dict[str, Any], action: str, values: dict[str, str]) -> dict[str, Any]:
    """The body of the answer."""
    from alibabacloud_servicemesh20200111 import models
    from alibabacloud_servicemesh20200111.client import Client
    from alibabacloud_tea_openapi.exceptions import ClientException
    from alibabacloud_tea_openapi.models import Config

    known = {name: json.loads(text) if text in ("true", "false") else text for name, text in values.items()}
    request = getattr(models, f"{action}Request")(service_mesh_id=world["mesh_id"], **known)
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
    try:
        body: dict[str, Any] = getattr(Client(Config(**world["asm"])), method)(request).body.to_map()
    except ClientException as error:
        if "xist" not in str(error.message):
            raise
        return {"exists": True}
    return body


if __name__ == "__main__":
    pairs = dict(pair.split("=", 1) for pair in sys.argv[3:])
    print(json.dumps(call(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], pairs)))
