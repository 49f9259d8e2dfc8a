# One image for every process of LeadScore; the command says which one a container is (see docker-compose.yml).
FROM python:3.13.1-slim-bookworm AS packages
COPY requirements.txt .
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM python:3.13.1-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LEADSCORE_HOME=/var/lib/leadscore \
    LOG_FORMAT=json
RUN useradd --system --uid 10001 --home-dir /var/lib/leadscore --create-home leadscore
COPY --from=packages /opt/venv /opt/venv
WORKDIR /opt/leadscore
COPY manage.py ./
COPY leadscore leadscore
COPY ingest ingest
COPY scoring scoring
COPY automation automation
COPY templates templates
COPY static static
USER leadscore
EXPOSE 8000
ENTRYPOINT ["python", "manage.py"]
CMD ["run", "web", "--host", "0.0.0.0"]
