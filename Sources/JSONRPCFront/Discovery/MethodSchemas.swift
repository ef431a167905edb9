import IntegrationKit

/// The schemas of the params of all methods and their parts.
enum MethodSchemas {
  static var all: [SchemaComponent] {
    Method.all.map { method in
      SchemaComponent(method.paramsComponent, "The params of \(method.name).", method.params())
    } + [
      SchemaComponent(
        "connection", "A connection to a vendor.", .parameters(ConnectionDefinition.shape)),
      SchemaComponent(
        "options", "The options of an invocation.", .parameters(InvocationOptions.shape)),
      SchemaComponent(
        "connections_file", "The content of a connections file.",
        .closed([
          .always("connections", .map(.reference("connection")), "The connections by name.")
        ])),
    ]
  }
}
