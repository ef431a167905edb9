import Basics
import Glibc
import JSON

/// An export request of OTLP/HTTP in JSON (opentelemetry-proto, JSON Protobuf Encoding): ids in
/// hexadecimal, 64-bit integers as strings, enums as numbers.
enum OTLPBody {
  static func bytes(_ spans: [Span]) -> [UInt8] {
    var writer = JSONWriter(capacity: 1_024 * (1 + spans.count))
    writer.object { writer in
      writer.name("resourceSpans")
      writer.array { writer in
        writer.object { writer in
          writer.name("resource")
          writer.object { write(resource, to: &$0) }
          writer.name("scopeSpans")
          writer.array { writer in
            writer.object { writer in
              writer.name("scope")
              writer.object {
                $0.member("name", Product.name)
                $0.member("version", Product.version)
              }
              writer.name("spans")
              writer.array { for span in spans { write(span, to: &$0) } }
            }
          }
        }
      }
    }
    return writer.bytes
  }

  private static let resource: [Span.Attribute] = [
    Span.Attribute("service.name", Product.name),
    Span.Attribute("service.version", Product.version),
    Span.Attribute("process.pid", Int(getpid())),
  ]

  /// The flags of a span: the trace flags of W3C (sampled), whether it is known that the parent is
  /// remote, and whether it is.
  private enum Flags {
    static let local = 0x101
    static let remote = 0x301
  }

  /// `STATUS_CODE_ERROR`
  private static let errorCode = 2

  private static func write(_ span: Span, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("traceId", span.traceID)
      writer.member("spanId", span.spanID)
      writer.member(ifPresent: "parentSpanId", span.parentSpanID)
      writer.member("flags", span.hasRemoteParent ? Flags.remote : Flags.local)
      writer.member("name", span.name)
      writer.member("kind", span.kind.rawValue)
      writer.member("startTimeUnixNano", "\(span.startNanoseconds)")
      writer.member("endTimeUnixNano", "\(span.endNanoseconds)")
      write(span.attributes, to: &writer)
      if !span.events.isEmpty {
        writer.name("events")
        writer.array { writer in
          for event in span.events {
            writer.object {
              $0.member("timeUnixNano", "\(event.nanoseconds)")
              $0.member("name", "\(event.name)")
              write(event.attributes, to: &$0)
            }
          }
        }
      }
      if span.droppedEvents > 0 { writer.member("droppedEventsCount", span.droppedEvents) }
      if span.isError {
        writer.name("status")
        writer.object { $0.member("code", errorCode) }
      }
    }
  }

  private static func write(_ attributes: [Span.Attribute], to writer: inout JSONWriter) {
    writer.name("attributes")
    writer.array { writer in
      for attribute in attributes {
        writer.object { writer in
          writer.member("key", "\(attribute.name)")
          writer.name("value")
          writer.object {
            switch attribute.value {
            case .text(let text): $0.member("stringValue", text)
            case .integer(let number): $0.member("intValue", "\(number)")
            case .boolean(let value): $0.member("boolValue", value)
            }
          }
        }
      }
    }
  }
}
