import Basics
import JSON
import RPC

/// The schemas of complete lines and messages.
enum EnvelopeSchemas {
  static var all: [SchemaComponent] {
    [
      SchemaComponent(
        "line_to_host", "One line from the caller to the host.",
        .oneOf([.reference("request"), .written(writeBatch)])),
      SchemaComponent(
        "line_from_host", "One line from the host to the caller.",
        .oneOf([
          .reference("response"), .reference("notification"), .list(.reference("response")),
        ])),
      SchemaComponent("request", "A request; without id, a notification.", request),
      SchemaComponent(
        "response", "The response to one request.",
        .oneOf([
          .closed([version, .always("id", .reference("id")), .always("result", .any)]),
          .closed([
            version, .always("id", .reference("id")), .always("error", .reference("error")),
          ]),
        ])),
      SchemaComponent(
        "id", "The id of a request. The response contains the same text.",
        .written { writeTypes(["string", "number", "null"], to: &$0) }),
      SchemaComponent(
        "request_id", "The id of a request in flight.",
        .written { writeTypes(["string", "number"], to: &$0) }),
    ]
  }

  static let version = MessageSchema.Member.always("jsonrpc", .word("2.0"))

  /// The host ignores members that JSON-RPC does not define.
  private static var request: MessageSchema {
    .written { writer in
      MessageSchema.object([
        version, .sometimes("id", .reference("id")), .always("method", .text),
        .sometimes("params", .written { writeTypes(["object", "array"], to: &$0) }),
      ]).writeMembers(to: &writer)
      writer.name("allOf")
      writer.array { for method in Method.all { write(method, to: &$0) } }
    }
  }

  /// The condition that a request for the method has params of the method.
  private static func write(_ method: Method, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.name("if")
      MessageSchema.object([.sometimes("method", .word(method.name))]).write(to: &writer)
      writer.name("then")
      let params = MessageSchema.reference(method.paramsComponent)
      let needsParams = method.members.contains(where: \.isRequired)
      MessageSchema.object([
        needsParams ? .always("params", params) : .sometimes("params", params)
      ]).write(to: &writer)
    }
  }

  private static func writeBatch(to writer: inout JSONWriter) {
    MessageSchema.list(.reference("request")).writeMembers(to: &writer)
    writer.member("minItems", 1)
    writer.member("maxItems", ConnectionLimits().maximumBatchRequests)
  }

  private static func writeTypes(_ types: [String], to writer: inout JSONWriter) {
    writer.name("type")
    writer.array { for type in types { $0.string(type) } }
  }
}
