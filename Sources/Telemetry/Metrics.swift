import Basics
import JSON
import Synchronization

/// The metrics of one host: counters that the engine adds to, and values that are read when they are
/// written.
package final class Metrics: Sendable {
  /// Values that other parts of the host count.
  package struct Sources: Sendable {
    package var lines: (@Sendable () -> Int)?
    package var inFlight: (@Sendable () -> Int)?
    package var connectionHealth: (@Sendable () -> [(connection: String, isHealthy: Bool)])?
    package var pluginRestarts: (@Sendable () -> [(plugin: String, count: Int)])?
    package var droppedSpans: (@Sendable () -> Int)?
  }

  // Made when they are needed: Swift needs long to make a dictionary of a new type.
  private let lazyInvocations = LazyValue { InvocationCounts() }
  private let lazyVendors = LazyValue { VendorCounts() }
  private let sources = Mutex(Sources())

  package init() {}

  package var invocations: InvocationCounts { lazyInvocations.value }
  package var vendors: VendorCounts { lazyVendors.value }

  package func addSources(_ change: (inout Sources) -> Void) { sources.withLock { change(&$0) } }

  /// Writes `{"content_type","text"}`.
  package func write(to writer: inout JSONWriter) {
    writer.object {
      $0.member("content_type", OpenMetricsWriter.contentType)
      $0.member("text", text)
    }
  }

  /// All metrics in the text format of OpenMetrics.
  package var text: String {
    let sources = sources.withLock { $0 }
    var writer = OpenMetricsWriter()
    invocations.write(to: &writer)
    vendors.write(to: &writer)
    if let inFlight = sources.inFlight {
      writer.begin("sallyport_in_flight", .gauge, "Requests in flight.")
      writer.sample("", [], inFlight())
    }
    if let lines = sources.lines {
      writer.begin("sallyport_lines", .counter, "Lines read.")
      writer.sample("_total", [], lines())
    }
    writer.begin(
      "sallyport_connection_healthy", .gauge,
      "1 if the last health check of a watched connection succeeded, otherwise 0.")
    for health in sources.connectionHealth?() ?? [] {
      writer.sample(
        "", [("connection", OpenMetricsWriter.cut(health.connection))], health.isHealthy ? 1 : 0)
    }
    writer.begin(
      "sallyport_plugin_restarts", .counter, "Starts of a plugin's program after it died.")
    for restarts in sources.pluginRestarts?() ?? [] {
      writer.sample("_total", [("plugin", restarts.plugin)], restarts.count)
    }
    if let dropped = sources.droppedSpans {
      writer.begin("sallyport_spans_dropped", .counter, "Spans that were not exported.")
      writer.sample("_total", [], dropped())
    }
    return writer.finish()
  }
}
