# shellcheck shell=bash
# Sourced by the one step of composite/action.yml: finds a Python, lets it install what is locked, and becomes xray-ci.
# It knows nothing of settings: they are in the environment, as INPUT_ variables.
set -euo pipefail

# ensurepip is what a new environment needs; Debian packages it apart from Python.
enough='import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'
for candidate in python3 python "py -3" python3.14 python3.13 python3.12 python3.11; do
  read -r -a python <<< "$candidate"
  if "${python[@]}" -I -c "$enough" > /dev/null 2>&1; then
    # Isolated from here on: no module of the workspace, no PYTHONPATH and no package of the user is imported next to the secrets.
    interpreter=$("${python[@]}" -I -u -B -X utf8 "$GITHUB_ACTION_PATH/install.py") || exit
    # exec, so that a signal of the runner reaches xray-ci and its exit code is the step's.
    exec "$interpreter" -I -u -B "$GITHUB_ACTION_PATH/../entrypoint.py"
  fi
done
echo "::error title=xray-ci::This runner has no Python 3.11 or newer that can make a virtual environment. Put a step with actions/setup-python before this one; in a container of Debian or Ubuntu install python3-venv."
exit 2
