import Basics
import HTTPServer
import JSON

/// The control routes of a running sandbox. They require the header `X-Sandbox: 1`, so that a
/// vendor client cannot call them by accident. They are not logged, and faults do not apply to
/// them.
///
/// - `GET /_sandbox/log`: the latest requests; see `RequestLog`.
/// - `GET /_sandbox/connections`: a connections file with all connections to the emulated vendors.
/// - `POST /_sandbox/reset`: resets the vendors' data and tokens, the log, the clock and the fault
///   counters. The faults stay.
/// - `POST /_sandbox/faults` with an array of fault texts: replaces all faults.
/// - `POST /_sandbox/clock` with `{"advance_seconds":N}`: advances the vendors' clock.
enum Control {
  case log
  case connections
  case reset
  case faults([SandboxFault])
  case advanceClock(seconds: Int)
  case rejected(HTTPServer.Response)

  private static let prefix = "/_sandbox/"
  private static let maximumFaults = 100
  /// One year, so that sums do not overflow.
  private static let maximumAdvanceSeconds: Int64 = 31_536_000

  /// Nil if the request is for a vendor.
  init?(_ request: HTTPServer.Request) {
    guard request.path.hasPrefix(Self.prefix) else { return nil }
    guard request.headers["X-Sandbox"] == "1" else {
      self = .rejected(.text(404, "not found\n"))
      return
    }
    switch (request.method, request.path.dropFirst(Self.prefix.count)) {
    case ("GET", "log"): self = .log
    case ("GET", "connections"): self = .connections
    case ("POST", "reset"): self = .reset
    case ("POST", "faults"): self = Self.readFaults(request.body)
    case ("POST", "clock"): self = Self.readClock(request.body)
    default:
      self = Self.rejection(
        404,
        "unknown route; expected GET log, GET connections, POST reset, POST faults or POST clock")
    }
  }

  private static func readFaults(_ body: [UInt8]) -> Control {
    guard let json = try? JSON.parse(body), json.kind == .array, json.count <= maximumFaults else {
      return rejection(400, "the body must be an array of at most \(maximumFaults) fault texts")
    }
    var faults: [SandboxFault] = []
    for (position, element) in json.elements.enumerated() {
      guard let text = element.string else {
        return rejection(400, "fault \(position) is not a string")
      }
      do {
        faults.append(try SandboxFault(text))
      } catch {
        return rejection(400, "fault \(position), \(error)")
      }
    }
    return .faults(faults)
  }

  private static func readClock(_ body: [UInt8]) -> Control {
    guard let seconds = (try? JSON.parse(body))?["advance_seconds"]?.integer,
      (0...maximumAdvanceSeconds).contains(seconds)
    else {
      return rejection(400, "the body must be {\"advance_seconds\": 0 to \(maximumAdvanceSeconds)}")
    }
    return .advanceClock(seconds: Int(seconds))
  }

  private static func rejection(_ status: Int, _ message: String) -> Control {
    .rejected(.json(status, JSONFragment { $0.object { $0.member("error", message) } }))
  }
}
