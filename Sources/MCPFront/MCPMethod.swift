/// The methods of the Model Context Protocol that a client calls.
enum MCPMethod: String, CaseIterable, Sendable {
  case initialize
  case discover = "server/discover"
  case listTools = "tools/list"
  case callTool = "tools/call"
  case listResources = "resources/list"
  case listResourceTemplates = "resources/templates/list"
  case readResource = "resources/read"
  case listPrompts = "prompts/list"
  case getPrompt = "prompts/get"
  case listen = "subscriptions/listen"

  /// The requests that only the stateless revision has.
  var needsMeta: Bool { self == .discover || self == .listen }

  /// Whether its result may have words of the caller's, which may be secrets.
  var echoesCaller: Bool { self == .callTool || self == .getPrompt }

  /// The member `error.message` of what a client may have got wrong.
  var failure: String { "\(rawValue) failed." }
}

/// The notifications of a client; the others that the revisions name need nothing done.
enum MCPNotification: String, Sendable {
  case initialized = "notifications/initialized"
  case cancelled = "notifications/cancelled"
  case progress = "notifications/progress"
  case rootsChanged = "notifications/roots/list_changed"
}
