"""OpenTelemetry traces of the API, where a setting asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from deploy.overrides import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

# Scrapes and probes would be most of all traces, and tell nothing.
_EXCLUDED: Final = "/healthz,/readyz,/metrics"
# The last batch at a stop waits for a collector that is away; the default of 10 s holds it up.
_TIMEOUT_S: Final = 3.0


def trace_requests(app: FastAPI, endpoint: str) -> TracerProvider:
    """One trace for each request of `app`, sent to `endpoint` in batches by a thread of its own.

    To be called before the first request. OTEL_TRACES_SAMPLER and the other variables of the
    OpenTelemetry SDK apply. SettingsError where the libraries are not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            "HASHGAUGE_TRACES_ENDPOINT needs more packages: pip install 'hashgauge[traces]'"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "hashgauge-api"}))
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    # Without the spans of single ASGI messages: three for each answer.
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        excluded_urls=_EXCLUDED,
        exclude_spans=["receive", "send"],
    )
    return provider
