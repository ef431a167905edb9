import Basics
import Engine
import Glibc
import HTTP
import Telemetry

/// The options for metrics and spans.
enum TelemetryOptions {
  private static let metrics = Option(
    "--metrics", "FILE", "replace FILE with OpenMetrics text every 15 s and on exit")
  /// Of everything that runs commands.
  static let otlp = Option(
    "--otlp", "URL",
    "export spans to URL/v1/traces by OTLP/HTTP; headers from OTEL_EXPORTER_OTLP_HEADERS")

  /// Of every host that runs for a while.
  static let list = [metrics, otlp]

  private static let headersVariable = "OTEL_EXPORTER_OTLP_HEADERS"

  /// Completes the metrics of a host, and writes their file regularly from now on if there is one.
  static func start(_ arguments: ParsedArguments, of engine: Engine) throws(UsageError) {
    if let plugins = Integrations.plugins.value {
      engine.metrics.addSources { $0.pluginRestarts = { plugins.restarts } }
    }
    guard let path = arguments[metrics.name] else { return }
    do throws(FileError) {
      let file = try MetricsFile(path, log: engine.log) { [metrics = engine.metrics] in metrics.text
      }
      file.start()
      EndOfProcess.add { file.finish() }
    } catch {
      throw UsageError("--metrics: \(error)", remedy: "Use a file in a writable directory.")
    }
  }

  /// The exporter of spans; nil without --otlp. It exports the last spans on exit.
  static func exporter(
    _ arguments: ParsedArguments, through transport: any Transport, log: Log
  ) throws(UsageError) -> SpanExporter? {
    guard let url = arguments[otlp.name] else { return nil }
    let headers = getenv(headersVariable).map { String(cString: $0) } ?? ""
    do throws(OTLPEndpoint.Fault) {
      let endpoint = try OTLPEndpoint(url, headers: headers)
      endpoint.secrets.forEach(HostLog.redactor.add)
      let exporter = SpanExporter(to: endpoint, through: transport, log: log)
      EndOfProcess.add { exporter.finish() }
      return exporter
    } catch {
      throw UsageError(
        "--otlp: \(error.reason)", remedy: "Example: --otlp http://localhost:4318")
    }
  }
}
