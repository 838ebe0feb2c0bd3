# One image a service: docker build --build-arg SERVICE=signer --tag ssv/signer:0.1.0 .
# SERVICE is a folder of services/, or operator, or cli; `make images` builds them all.
#
# The base image has Python and a compiler. Of it only Python and the libraries that the service loads get into the
# result (scripts/images/root.py): no shell, no package manager, no compiler.
ARG BASE_IMAGE=docker.io/library/python:3.12-bookworm

FROM ${BASE_IMAGE} AS source
ARG SERVICE
COPY . /source
RUN mkdir /wanted \
 && python3 /source/scripts/images/contents.py packages "${SERVICE}" > /wanted/packages.lock \
 && python3 /source/scripts/images/contents.py builder > /wanted/builder.lock \
 && python3 /source/scripts/images/contents.py folders "${SERVICE}" > /wanted/folders \
 && python3 /source/scripts/images/contents.py module "${SERVICE}" > /wanted/module

FROM ${BASE_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY --from=source /wanted/builder.lock /wanted/
RUN python3 -m venv /builder && /builder/bin/pip install --require-hashes -r /wanted/builder.lock
COPY --from=source /wanted/packages.lock /wanted/
RUN /builder/bin/pip wheel --require-hashes --no-deps --no-build-isolation --wheel-dir /wheels -r /wanted/packages.lock
COPY --from=source /wanted /wanted
COPY --from=source /source /source
RUN /builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels $(cat /wanted/folders) \
 && python3 -m venv --without-pip /opt/ssv \
 && /builder/bin/pip --python /opt/ssv/bin/python install --no-index --no-deps --no-compile /wheels/*.whl \
 && /opt/ssv/bin/python /source/scripts/images/root.py /image "$(cat /wanted/module)"

FROM scratch
ARG BASE_IMAGE
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=
COPY --from=build /image /
ENV PATH=/opt/ssv/bin \
    HOME=/tmp \
    USER=ssv \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
LABEL org.opencontainers.image.title="ssv ${SERVICE}" \
      org.opencontainers.image.description="Part of an SSV operator node: ${SERVICE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
USER 10001:10001
ENTRYPOINT ["service"]
