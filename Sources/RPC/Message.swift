import Basics
import JSON

/// One JSON-RPC 2.0 call.
package struct Call: Sendable {
  /// Nil for a notification, which never gets a response.
  package var id: RequestID?
  package var method: String
  /// An object or an array; nil if omitted.
  package var params: JSON?
}

/// One parsed JSON-RPC message.
package enum Message: Sendable {
  case call(Call)
  /// A response. It never gets a response, because that could loop.
  case response(JSON)
  /// Not a call. `id` is the caller's if it can be read, otherwise null.
  case invalid(id: RequestID, reason: String, offset: Int)

  private static let names = JSONNames("jsonrpc", "id", "method", "params", "result", "error")

  /// Classifies one value (not a batch array).
  package init(_ json: JSON) {
    guard json.kind == .object else {
      self = .invalid(id: .null, reason: "a request must be an object", offset: json.offset)
      return
    }
    let members = json.select(Self.names)
    if !members.has(2) && (members.has(4) || members.has(5)) {
      self = .response(json)
      return
    }
    let id: RequestID? = if let id = members[1] { RequestID(id) } else { nil }
    func invalid(_ reason: String, at value: JSON?) -> Message {
      .invalid(id: id ?? .null, reason: reason, offset: (value ?? json).offset)
    }
    if members.has(1), id == nil {
      self = invalid("id must be a string, a number or null", at: members[1])
    } else if !members.equals(0, "2.0") {
      self = invalid(#"jsonrpc must be "2.0""#, at: members[0])
    } else if let method = members[2]?.string {
      let params = members[3]
      if let params, params.kind != .object, params.kind != .array {
        self = invalid("params must be an object or an array", at: params)
      } else {
        self = .call(Call(id: id, method: method, params: params))
      }
    } else {
      self = invalid("method must be a string", at: members[2])
    }
  }
}
