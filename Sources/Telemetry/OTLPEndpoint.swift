import Basics
import HTTP

/// Where spans are exported to, and the headers of the requests.
package struct OTLPEndpoint: Sendable {
  /// A URL or headers that cannot be used. A phrase without secrets.
  package struct Fault: Error, Sendable {
    package let reason: String
  }

  /// The path of traces below the URL of a collector.
  private static let path = "/v1/traces"

  let url: String
  let headers: [HTTPRequest.Header]

  /// - Parameters:
  ///   - root: the URL of a collector, such as `http://localhost:4318`. It may have a path.
  ///   - headers: `name=value,…` with percent-encoded values, as in `OTEL_EXPORTER_OTLP_HEADERS`.
  ///     They are secrets.
  package init(_ root: String, headers: String) throws(Fault) {
    self.headers = try Self.headers(headers)
    let isPlain = root.hasPrefix("http://")
    do throws(BaseURL.InvalidURL) {
      guard isPlain, self.headers.isEmpty else {
        url = try BaseURL(root).text + Self.path
        return
      }
      // Without headers there is no credential that others could read. Spans have none.
      let secure = try BaseURL("https://" + root.dropFirst("http://".count)).text
      url = "http://" + secure.dropFirst("https://".count) + Self.path
    } catch {
      throw Fault(reason: "the URL \(error.reason)")
    }
  }

  /// What must be redacted: the values of the headers, and the credentials in them.
  package var secrets: [String] {
    headers.flatMap { header -> [String] in
      let words = header.value.split(separator: " ").map(String.init)
      return words.count > 1 ? [header.value, words[words.count - 1]] : [header.value]
    }
  }

  private static func headers(_ text: String) throws(Fault) -> [HTTPRequest.Header] {
    var headers: [HTTPRequest.Header] = []
    for entry in text.split(separator: ",") {
      let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let name = HTTPHeaderName(trimmed(parts[0])),
        let value = decoded(trimmed(parts[1]))
      else {
        throw Fault(
          reason: "the headers must have the form name=value,… with percent-encoded values")
      }
      headers.append(HTTPRequest.Header(name, value, isSecret: true))
    }
    return headers
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  /// Nil for an incomplete escape, or a value that no header may have.
  private static func decoded(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexValue),
        let low = rest.popFirst().flatMap(hexValue)
      else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}
