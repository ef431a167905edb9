import Synchronization

/// Counts the HTTP requests to vendors, their retries, and the waits for rate limits.
package final class VendorCounts: Sendable {
  /// Maximum number of label sets of each family.
  package static let maximumLabelSets = 1_000

  private struct Answered: Hashable, Sendable {
    let integration: String
    /// 0 if there is no response.
    let status: Int
    /// Empty if there is one.
    let error: String

    var label: String { status == 0 ? error : "\(status)" }
  }

  private struct Limit: Hashable, Sendable {
    let connection: String
    let bucket: String
  }

  private let requests: Mutex<LabelSets<Answered, Int>>
  private let waits: Mutex<LabelSets<Limit, Int64>>
  private let retries = Atomic(0)
  private let waiting = Atomic(0)

  package init() {
    let other = InvocationSubject.other
    requests = Mutex(
      LabelSets(
        maximum: Self.maximumLabelSets,
        others: Answered(integration: other, status: 0, error: other),
        initial: 0))
    waits = Mutex(
      LabelSets(
        maximum: Self.maximumLabelSets, others: Limit(connection: other, bucket: other),
        initial: 0))
  }

  package func addRequest(integration: String, status: Int) {
    add(Answered(integration: integration, status: status, error: ""))
  }

  /// - Parameter error: the kind of the error of a request without a response.
  package func addRequest(integration: String, error: String) {
    add(Answered(integration: integration, status: 0, error: error))
  }

  private func add(_ labels: Answered) { requests.withLock { $0.change(labels) { $0 += 1 } } }

  package func addRetries(_ count: Int) { retries.add(count, ordering: .relaxed) }

  package func addWait(connection: String, bucket: String, nanoseconds: Int64) {
    let labels = Limit(
      connection: OpenMetricsWriter.cut(connection), bucket: OpenMetricsWriter.cut(bucket))
    waits.withLock { $0.change(labels) { $0 += nanoseconds } }
  }

  /// A wait for a rate limit starts (1) or ends (-1).
  package func changeWaiting(by difference: Int) { waiting.add(difference, ordering: .relaxed) }

  func write(to writer: inout OpenMetricsWriter) {
    writer.begin(
      "sallyport_http_requests", .counter,
      "HTTP requests to vendors, by status code, or by error kind if there was no response.")
    for (labels, count) in requests.withLock({ $0.values }).sorted(by: {
      ($0.key.integration, $0.key.label) < ($1.key.integration, $1.key.label)
    }) {
      writer.sample(
        "_total", [("integration", labels.integration), ("status", labels.label)], count)
    }
    writer.begin("sallyport_retries", .counter, "Retries of HTTP requests.")
    writer.sample("_total", [], retries.load(ordering: .relaxed))
    writer.begin(
      "sallyport_rate_limit_wait_seconds", .counter, unit: "seconds",
      "Time that requests waited for a rate limit.")
    for (labels, nanoseconds) in waits.withLock({ $0.values }).sorted(by: {
      ($0.key.connection, $0.key.bucket) < ($1.key.connection, $1.key.bucket)
    }) {
      writer.sample(
        "_total", [("connection", labels.connection), ("bucket", labels.bucket)],
        Double(nanoseconds) / 1_000_000_000)
    }
    writer.begin(
      "sallyport_rate_limit_waiting", .gauge, "Requests that wait for a rate limit now.")
    writer.sample("", [], waiting.load(ordering: .relaxed))
  }
}
