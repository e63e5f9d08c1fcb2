# The release build passes the digest of the official image here; a name alone keeps local builds and emulators possible.
ARG PYTHON_IMAGE=python:3.13-slim-trixie
ARG VERSION=0.1.0
# Every file that is made here carries this date, so that two builds of one commit are equal, byte by byte.
ARG SOURCE_DATE_EPOCH=1767225600

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
WORKDIR /build
COPY requirements/ requirements/
# Wheels only, each checked against the lock: nothing is compiled and no package runs code while it is installed.
RUN python3 -m pip install --no-compile --no-deps --require-hashes --only-binary :all: --target tools -r requirements/build.txt \
    && python3 -m venv --without-pip /opt/xray-ci \
    && python3 -m pip --python /opt/xray-ci/bin/python install \
        --no-compile --no-deps --require-hashes --only-binary :all: -r requirements/emulator.txt
COPY LICENSE README.md pyproject.toml ./
COPY docs/errors.md docs/errors.md
COPY xray_ci/ xray_ci/
ARG SOURCE_DATE_EPOCH
RUN PYTHONPATH=tools python3 -m hatchling build --target wheel --directory dist \
    && python3 -m pip --python /opt/xray-ci/bin/python install --no-compile --no-deps --no-index dist/*.whl
COPY entrypoint.py /opt/xray-ci/entrypoint.py
# The command for shells (GitLab, Jenkins) is the same file, started with the same isolation as the image's entry point. No other
# command stays: those of dependencies would start without that isolation. Tests, types and benchmarks of dependencies go too.
RUN find /opt/xray-ci/bin ! -name 'python*' -type f -delete \
    && sed '1s|.*|#!/opt/xray-ci/bin/python -IuB|' /opt/xray-ci/entrypoint.py > /opt/xray-ci/bin/xray-ci \
    && chmod 755 /opt/xray-ci/bin/xray-ci /opt/xray-ci/entrypoint.py \
    && rm -rf /opt/xray-ci/include /opt/xray-ci/.gitignore \
    && find /opt/xray-ci/lib -type d '(' -name tests -o -name benchmarks ')' -prune -exec rm -rf {} + \
    && find /opt/xray-ci/lib -name '*.pyi' -delete \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/xray-ci/lib \
    && mkdir -p /made/opt \
    && mv /opt/xray-ci /made/opt/ \
    && find /made -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${PYTHON_IMAGE} AS python
# The official image has no bytecode of the standard library, so every start of a container would compile it again. What no
# command of xray-ci imports gets none. pip is of no use here: without it nothing in the image can install anything.
ARG SOURCE_DATE_EPOCH
RUN touch /dev/shm/begun \
    && TMPDIR=/dev/shm python3 -B -m pip uninstall --yes --root-user-action=ignore pip \
    && PYTHONHASHSEED=0 python3 -m compileall -q --invalidation-mode unchecked-hash \
        -x '/(_?pyrepl|_pydecimal|_pyio|antigravity|bdb|cProfile|cmd|code|compileall|curses|dbm|dist-packages|doctest|ensurepip|ftplib|\
idlelib|imaplib|lib2to3|mailbox|modulefinder|multiprocessing|optparse|p?profile|pdb|pickletools|poplib|pstats|pty|pyclbr|pydoc|\
pydoc_data|shelve|site-packages|smtplib|statistics|symtable|tabnanny|test|tests|this|timeit|tkinter|trace|tracemalloc|turtle|\
turtledemo|unittest|venv|wave|webbrowser|wsgiref|xmlrpc|zipapp)(\.py$|/)' \
        "$(python3 -c 'import os; print(os.path.dirname(os.__file__))')" \
    && ln -s /opt/xray-ci/bin/xray-ci /usr/local/bin/xray-ci \
    && find /usr/local -newer /dev/shm/begun -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM python AS trimming
COPY --from=build /made/ /
COPY image/trim.py /build/trim.py
ARG SOURCE_DATE_EPOCH
RUN python3 -B /build/trim.py /trimmed cat chmod cp cut date dirname env grep head id ls mkdir mv rm sed sh sleep sort tail tee touch tr \
        true uname wc \
    && ldconfig -r /trimmed \
    && rm -rf /trimmed/var/cache \
    && find /trimmed -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

# docker build --target trimmed: only what Python, TLS and a shell need. The same commands in half the size.
FROM scratch AS trimmed
COPY --from=trimming /trimmed/ /
COPY --from=build /made/ /
ENV PATH=/usr/local/bin:/usr/bin:/bin
ARG PYTHON_IMAGE
ARG BASE_DIGEST=""
ARG VERSION
ARG REVISION=""
ARG CREATED=""
LABEL org.opencontainers.image.title="xray-ci" \
      org.opencontainers.image.description="Imports the reports of any test tool into Xray as one Test Execution and refreshes Confluence snapshots" \
      org.opencontainers.image.url="https://github.com/org/xray-ci" \
      org.opencontainers.image.source="https://github.com/org/xray-ci" \
      org.opencontainers.image.documentation="https://github.com/org/xray-ci/blob/main/docs/image.md" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      org.opencontainers.image.base.digest="${BASE_DIGEST}"
ENTRYPOINT ["/opt/xray-ci/bin/python", "-I", "-u", "-B", "/opt/xray-ci/entrypoint.py"]

FROM python
COPY --from=build /made/ /
ARG PYTHON_IMAGE
ARG BASE_DIGEST=""
ARG VERSION
ARG REVISION=""
ARG CREATED=""
LABEL org.opencontainers.image.title="xray-ci" \
      org.opencontainers.image.description="Imports the reports of any test tool into Xray as one Test Execution and refreshes Confluence snapshots" \
      org.opencontainers.image.url="https://github.com/org/xray-ci" \
      org.opencontainers.image.source="https://github.com/org/xray-ci" \
      org.opencontainers.image.documentation="https://github.com/org/xray-ci/blob/main/docs/image.md" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      org.opencontainers.image.base.digest="${BASE_DIGEST}"
# No USER: as another user neither the workspace nor the runner's command files could be written. Any --user works.
ENTRYPOINT ["/opt/xray-ci/bin/python", "-I", "-u", "-B", "/opt/xray-ci/entrypoint.py"]
