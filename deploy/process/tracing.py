"""OpenTelemetry traces, where a setting asks for them: requests of the API, work of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from deploy.settings.overrides import SettingsError
from schemas.runtime.tracing import trace_with

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.sdk.trace import TracerProvider

# Scrapes and probes would be most of all traces, and tell nothing.
_EXCLUDED: Final = "/healthz,/readyz,/metrics"
# The last batch at a stop waits for a collector that is away; the default of 10 s holds it up.
_TIMEOUT_S: Final = 3.0


class SpanSource:
    """OpenTelemetry behind `schemas.runtime.tracing`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("hashgauge")

    def span(
        self, name: str, attributes: Mapping[str, int | str]
    ) -> AbstractContextManager[object]:
        return self._tracer.start_as_current_span(name, attributes=attributes)


def trace_requests(app: FastAPI, endpoint: str) -> TracerProvider:
    """One trace for each request of `app`, sent to `endpoint` in batches by a thread of its own.

    To be called before the first request. OTEL_TRACES_SAMPLER and the other variables of the
    OpenTelemetry SDK apply. SettingsError where the libraries are not installed.
    """
    provider = _provider("hashgauge-api", endpoint)
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    # Without the spans of single ASGI messages: three for each answer.
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        excluded_urls=_EXCLUDED,
        exclude_spans=["receive", "send"],
    )
    return provider


def trace_work(endpoint: str) -> TracerProvider:
    """One trace for each flush, cycle and delivery of this process; else as `trace_requests`."""
    provider = _provider("hashgauge-aggregator", endpoint)
    trace_with(SpanSource(provider))
    return provider


def _provider(service: str, endpoint: str) -> TracerProvider:
    try:
        import opentelemetry.instrumentation.fastapi  # noqa: F401 - part of the same extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            "HASHGAUGE_TRACES_ENDPOINT needs more packages: pip install 'hashgauge[traces]'"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
