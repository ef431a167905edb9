import IntegrationKit

/// The schemas of the params of all methods, and of what they are made of.
enum MethodSchemas {
  static var all: [SchemaComponent] {
    Method.all.map { method in
      SchemaComponent(method.paramsComponent, "The params of \(method.name).", method.params())
    } + [
      SchemaComponent(
        "connection", "How to reach a vendor.", .parameters(ConnectionDefinition.shape)),
      SchemaComponent(
        "options", "How a command is to be run.", .parameters(InvocationOptions.shape)),
      SchemaComponent(
        "connections_file", "What --connections names.",
        .closed([.always("connections", .map(.reference("connection")), "By name.")])),
    ]
  }
}
