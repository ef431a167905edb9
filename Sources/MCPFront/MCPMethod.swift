/// The methods of the Model Context Protocol for clients.
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

  /// Whether only the stateless revision has the method.
  var needsMeta: Bool { self == .discover || self == .listen }

  /// The failure indicator.
  var failure: String { "\(rawValue) failed." }
}

/// The notifications of a client. Other notifications of the revisions require no action.
enum MCPNotification: String, Sendable {
  case initialized = "notifications/initialized"
  case cancelled = "notifications/cancelled"
  case progress = "notifications/progress"
  case rootsChanged = "notifications/roots/list_changed"
}
