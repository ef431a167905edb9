import Basics
import JSON
import RPC

/// The messages themselves: what stands on a line.
enum EnvelopeSchemas {
  static var all: [SchemaComponent] {
    [
      SchemaComponent(
        "line_to_host", "What a caller sends on one line.",
        .oneOf([.reference("request"), .written(writeBatch)])),
      SchemaComponent(
        "line_from_host", "What the host sends on one line.",
        .oneOf([
          .reference("response"), .reference("notification"), .list(.reference("response")),
        ])),
      SchemaComponent("request", "A call; a notification where it has no id.", request),
      SchemaComponent(
        "response", "The answer to one request.",
        .oneOf([
          .closed([version, .always("id", .reference("id")), .always("result", .any)]),
          .closed([
            version, .always("id", .reference("id")), .always("error", .reference("error")),
          ]),
        ])),
      SchemaComponent(
        "id", "Sent back in the text it arrived in.",
        .written { writeTypes(["string", "number", "null"], to: &$0) }),
      SchemaComponent(
        "request_id", "The id of a request under way.",
        .written { writeTypes(["string", "number"], to: &$0) }),
    ]
  }

  static let version = MessageSchema.Member.always("jsonrpc", .word("2.0"))

  /// The host passes over members that JSON-RPC does not have.
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

  /// That a request for the method has params of the method.
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
