"""Where traces and metrics go: by OTLP/HTTP in batches from a thread, and to `/metrics` for Prometheus."""

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from turnus_runtime import telemetry
from turnus_runtime.settings import Settings

SEND_SECONDS = 2.0
"""For one batch, its retries included; a stop waits for two at most."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bucket boundaries of all durations."""


class Telemetry:
    """What `start` started. Services of one process share the exporter and have a trace resource each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tracers: dict[str, Tracer] = {}
        self._spans: SpanProcessor | None = None
        self._registry = CollectorRegistry()
        readers: list[MetricReader] = [PrometheusMetricReader(registry=self._registry, scope_info_enabled=False)]
        ProcessCollector(registry=self._registry)
        if (endpoint := settings.otlp_endpoint) is not None:
            self._spans, reader = _otlp(endpoint)
            readers.append(reader)
        self._meters = MeterProvider(
            readers,
            resource=self._resource("turnus"),
            shutdown_on_exit=False,
            exemplar_filter=AlwaysOffExemplarFilter(),
        )
        meter = self._meters.get_meter("turnus")

        def duration(name: str, description: str) -> telemetry.Record:
            return meter.create_histogram(
                name, "s", description, explicit_bucket_boundaries_advisory=list(SECONDS)
            ).record

        self.http: telemetry.Record = duration("http.server.request.duration", "HTTP requests")
        self.handler: telemetry.Record = duration("turnus.handler.duration", "Handlings of events, timers and jobs")
        self.store: telemetry.Record = duration("turnus.store.duration", "Round trips to the store")
        self.broker: telemetry.Record = duration("turnus.broker.duration", "Round trips to the broker")
        self.stored: telemetry.Record = meter.create_counter(
            "turnus.store.documents", "", "Documents of those round trips"
        ).add
        self.sent: telemetry.Record = meter.create_counter(
            "turnus.broker.messages", "", "Messages of those round trips"
        ).add
        self.retries: telemetry.Record = meter.create_counter("turnus.retries", "", "Handlings tried again").add
        self.dead: telemetry.Record = meter.create_counter("turnus.dead_letters", "", "Messages given up").add
        for gauge, (name, unit, description) in telemetry.GAUGES.items():
            meter.create_observable_gauge(name, [telemetry.readings(gauge)], unit, description)

    def _resource(self, service: str) -> Resource:
        return Resource.create(
            {
                "service.name": service,
                "service.namespace": "turnus",
                "deployment.environment.name": self._settings.environment,
            }
        )

    def tracer(self, service: str) -> Tracer | None:
        """The tracer of that service, or None if no trace is recorded."""
        if self._spans is None:
            return None
        if (tracer := self._tracers.get(service)) is None:
            provider = TracerProvider(resource=self._resource(service or "turnus"), shutdown_on_exit=False)
            provider.add_span_processor(self._spans)
            tracer = self._tracers[service] = provider.get_tracer("turnus")
        return tracer

    def metrics_text(self) -> bytes:
        """All metrics of this process in the text format of Prometheus."""
        return generate_latest(self._registry)

    def stop(self) -> None:
        """Send what is left and end the threads; blocks for seconds if the receiver is away, so call it in a thread."""
        telemetry.use(None)
        if self._spans is not None:
            self._spans.shutdown()
        self._meters.shutdown()


def start(settings: Settings) -> Telemetry:
    """Measure from now on, and record traces if there is an `otlp_endpoint`. One per process."""
    started = Telemetry(settings)
    telemetry.use(started)
    return started


def _otlp(endpoint: str) -> tuple[SpanProcessor, MetricReader]:
    """Imported only where it is used: it brings an HTTP client and protocol buffers into memory."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    spans = BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=SEND_SECONDS))
    return spans, PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint}/v1/metrics", timeout=SEND_SECONDS))
