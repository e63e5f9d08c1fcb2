# The release build passes the digest of the official image here; a name alone keeps local builds and stand-ins possible.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY requirements/ requirements/
# Wheels only, each checked against the lock: nothing is compiled and no package runs code while it is installed.
RUN python3 -m venv tools \
    && tools/bin/python -m pip install --require-hashes --only-binary :all: -r requirements/build.txt \
    && python3 -m venv --without-pip /opt/xray-ci \
    && tools/bin/python -m pip --python /opt/xray-ci/bin/python install \
        --no-compile --require-hashes --only-binary :all: -r requirements/emulator.txt
COPY LICENSE README.md pyproject.toml ./
COPY xray_ci/ xray_ci/
RUN tools/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && tools/bin/python -m pip --python /opt/xray-ci/bin/python install --no-compile --no-deps --no-index dist/*.whl
COPY entrypoint.py /opt/xray-ci/entrypoint.py
# The command for shells (GitLab, Jenkins) is the same file, started with the same isolation as the image's entry point.
RUN sed '1s|.*|#!/opt/xray-ci/bin/python -IuB|' /opt/xray-ci/entrypoint.py > /opt/xray-ci/bin/xray-ci \
    && chmod 755 /opt/xray-ci/bin/xray-ci \
    && find /opt/xray-ci/lib -name '*.pyi' -delete \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/xray-ci/lib

FROM ${PYTHON_IMAGE}
# The official image has no bytecode of the standard library, so every start of a container would compile it again.
# pip is of no use here: without it nothing in the image can install anything.
RUN python3 -m pip uninstall --yes --root-user-action=ignore pip \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '/(ensurepip|idlelib|lib2to3|site-packages|dist-packages|pydoc_data|test|tests|tkinter|turtledemo)/' \
        "$(python3 -c 'import os; print(os.path.dirname(os.__file__))')" \
    && ln -s /opt/xray-ci/bin/xray-ci /usr/local/bin/xray-ci
COPY --from=build /opt/xray-ci/ /opt/xray-ci/
ARG PYTHON_IMAGE
ARG REVISION=""
LABEL org.opencontainers.image.title="xray-ci" \
      org.opencontainers.image.description="Imports the reports of any test tool into Xray as one Test Execution and refreshes Confluence snapshots" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
# No USER: as a foreign user neither the workspace nor the runner's command files could be written. Any --user works.
ENTRYPOINT ["/opt/xray-ci/bin/python", "-I", "-u", "-B", "/opt/xray-ci/entrypoint.py"]
