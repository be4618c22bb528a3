#!/usr/bin/env bash
# ansible-test sanity on a real copy of the collection: ansible-test wants the path
# ansible_collections/asm/lanes, outside of the repository (inside it git says "ignored",
# and ansible-test then tests nothing and is content).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
checkout=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Its own virtual environments are kept between runs, under a home of its own.
export HOME=$checkout/.cache/ansible-test
mkdir -p "$HOME/.ansible/test/cache"

# ansible-test would fetch its get-pip script from the network, for each of the eight environments that it makes
# for its tests; this one lets the pip that is here install theirs, which takes a third of ensurepip's time. The
# name carries the version of pip that this ansible-core pins.
here=$(command -v python)
names=$(python - <<'PY'
import re
from pathlib import Path

import ansible_test

source = Path(ansible_test.__file__).parent / "_internal/python_requirements.py"
versions = re.findall(r"pip='([\d.]+)'", source.read_text(encoding="utf-8"))
print(*(f"get_pip_{version.replace('.', '_')}.py" for version in sorted(set(versions))))
PY
)
for file in $names; do
  cat > "$HOME/.ansible/test/cache/$file" <<PY
import subprocess
import sys

arguments = [a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel")]
command = ["$here", "-m", "pip", "--python", sys.executable, "install", *arguments]
sys.exit(subprocess.run(command).returncode)
PY
done

ansible-galaxy collection install --offline --force "$checkout" -p "$work" >/dev/null
cd "$work/ansible_collections/asm/lanes"
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ansible-test sanity --local --color no --python "$version" "$@"
