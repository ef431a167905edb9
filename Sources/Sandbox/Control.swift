import Basics
import HTTPServer
import JSON

/// The routes that steer a running sandbox. They need the header `X-Sandbox: 1`, so that no
/// client of a vendor gets there by accident, and they are never logged or hit by a fault.
///
/// - `GET /_sandbox/log`: the requests so far, see `RequestLog`.
/// - `GET /_sandbox/connections`: a connections file with every way into the emulated vendors.
/// - `POST /_sandbox/reset`: the vendors' data and tokens, the log, the clock and the counts of
///   the faults as they were at the start. The faults stay.
/// - `POST /_sandbox/faults` with an array of fault texts: these instead of all before.
/// - `POST /_sandbox/clock` with `{"advance_seconds":N}`: the vendors' clock goes forward.
enum Control {
  case log
  case connections
  case reset
  case faults([SandboxFault])
  case advanceClock(seconds: Int)
  case refused(HTTPServer.Response)

  private static let prefix = "/_sandbox/"
  private static let maximumFaults = 100
  /// A year, so that no sum of them overflows.
  private static let maximumAdvanceSeconds: Int64 = 31_536_000

  /// Nil for a request to a vendor.
  init?(_ request: HTTPServer.Request) {
    guard request.path.hasPrefix(Self.prefix) else { return nil }
    guard request.headers["X-Sandbox"] == "1" else {
      self = .refused(.text(404, "not found\n"))
      return
    }
    switch (request.method, request.path.dropFirst(Self.prefix.count)) {
    case ("GET", "log"): self = .log
    case ("GET", "connections"): self = .connections
    case ("POST", "reset"): self = .reset
    case ("POST", "faults"): self = Self.readFaults(request.body)
    case ("POST", "clock"): self = Self.readClock(request.body)
    default:
      self = Self.refusal(
        404,
        "the routes are GET log, GET connections, POST reset, POST faults and POST clock")
    }
  }

  private static func readFaults(_ body: [UInt8]) -> Control {
    guard let json = try? JSON.parse(body), json.kind == .array, json.count <= maximumFaults else {
      return refusal(400, "the body is an array of at most \(maximumFaults) fault texts")
    }
    var faults: [SandboxFault] = []
    for (position, element) in json.elements.enumerated() {
      guard let text = element.string else {
        return refusal(400, "fault \(position) is not a string")
      }
      do {
        faults.append(try SandboxFault(text))
      } catch {
        return refusal(400, "fault \(position), \(error)")
      }
    }
    return .faults(faults)
  }

  private static func readClock(_ body: [UInt8]) -> Control {
    guard let seconds = (try? JSON.parse(body))?["advance_seconds"]?.integer,
      (0...maximumAdvanceSeconds).contains(seconds)
    else {
      return refusal(400, "the body is {\"advance_seconds\": 0 to \(maximumAdvanceSeconds)}")
    }
    return .advanceClock(seconds: Int(seconds))
  }

  private static func refusal(_ status: Int, _ message: String) -> Control {
    .refused(.json(status, JSONFragment { $0.object { $0.member("error", message) } }))
  }
}
