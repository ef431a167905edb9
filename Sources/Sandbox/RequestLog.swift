import Basics
import HTTPServer
import JSON

/// The latest requests to the emulated vendors, with the status of their responses.
struct RequestLog {
  private struct Entry {
    var request: HTTPServer.Request
    var status: Int
  }

  static let capacity = 10_000
  /// Maximum number of body bytes to keep.
  private static let bodyBytes = 64 * 1_024

  /// A ring buffer once it is full.
  private var entries: [Entry] = []
  private var oldest = 0

  mutating func add(_ request: HTTPServer.Request, _ response: HTTPServer.Response) {
    var entry = Entry(
      request: request, status: response.delivery == .reset ? 0 : response.status)
    if request.body.count > Self.bodyBytes {
      entry.request.body = Array(request.body.prefix(Self.bodyBytes))
    }
    if entries.count < Self.capacity {
      entries.append(entry)
    } else {
      entries[oldest] = entry
      oldest = (oldest + 1) % Self.capacity
    }
  }

  /// `[{"method","path","query","headers":{lower-case name: value},"body","status"}]`, oldest
  /// first. `query` and `body` are the text as sent. The status of a reset connection is 0.
  var json: JSONFragment {
    JSONFragment { writer in
      writer.array { writer in
        for entry in entries[oldest...] + entries[..<oldest] { Self.write(entry, to: &writer) }
      }
    }
  }

  private static func write(_ entry: Entry, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("method", entry.request.method)
      writer.member("path", entry.request.path)
      writer.member("query", entry.request.queryText)
      writer.name("headers")
      writer.object { writer in
        for field in entry.request.headers.fields {
          writer.name(text: field.name.lowercased())
          writer.string(field.value)
        }
      }
      writer.member("body", String(decoding: entry.request.body, as: UTF8.self))
      writer.member("status", entry.status)
    }
  }
}
