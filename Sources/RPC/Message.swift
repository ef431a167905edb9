import Basics

/// One JSON-RPC 2.0 call that a caller sent.
public struct Call: Sendable {
  /// Nil for a notification, which is never answered.
  public var id: RequestID?
  public var method: String
  /// An object or an array; nil when left out.
  public var params: JSON?
}

/// What one value on a line turned out to be.
public enum Message: Sendable {
  case call(Call)
  /// Something shaped like a response: logged, never answered, since answering could loop.
  case response
  /// Not a call. `id` is the caller's where it can be known, else null.
  case invalid(id: RequestID, reason: String, offset: Int)

  private static let names = JSONNames("jsonrpc", "id", "method", "params", "result", "error")

  /// Sorts out one value (not a batch array).
  public init(_ json: JSON) {
    guard json.kind == .object else {
      self = .invalid(id: .null, reason: "a request is an object", offset: json.offset)
      return
    }
    let members = json.select(Self.names)
    let (version, method, idValue, params) = (members[0], members[2], members[1], members[3])
    if method == nil && (members[4] != nil || members[5] != nil) {
      self = .response
      return
    }
    let id = idValue.map(RequestID.init) ?? nil
    func invalid(_ reason: String, at value: JSON?) -> Message {
      .invalid(id: id ?? .null, reason: reason, offset: (value ?? json).offset)
    }
    if let idValue, id == nil {
      self = invalid("id must be a string, a number or null", at: idValue)
    } else if version?.equals("2.0") != true {
      self = invalid(#"jsonrpc must be "2.0""#, at: version)
    } else if let method, let name = method.string {
      if let params, params.kind != .object, params.kind != .array {
        self = invalid("params must be an object or an array", at: params)
      } else {
        self = .call(Call(id: id, method: name, params: params))
      }
    } else {
      self = invalid("method must be a string", at: method)
    }
  }
}
