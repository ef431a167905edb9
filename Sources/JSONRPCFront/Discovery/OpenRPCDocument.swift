import Basics
import JSON

/// The result of `rpc.discover`, an OpenRPC 1.3 document with all methods and messages.
///
/// It is created on request, not at the start.
enum OpenRPCDocument {
  private static let kept = LazyValue { JSONFragment { writeDocument(to: &$0) } }

  static var text: JSONFragment { kept.value }

  private static func writeDocument(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("openrpc", "1.3.2")
      writer.name("info")
      writer.object {
        $0.member("title", "Sallyport")
        $0.member("description", "Runs commands of security vendors. One JSON value per line.")
        $0.member("version", Product.protocolVersion)
        $0.member("x-host-version", Product.version)
      }
      writer.name("servers")
      writer.array {
        $0.object {
          $0.member("name", "stdio")
          $0.member("url", "stdio:sallyport")
          $0.member("summary", "stdin and stdout of the process: sallyport serve")
        }
      }
      writer.name("methods")
      writer.array { for method in Method.all { write(method, to: &$0) } }
      writer.name("x-notifications")
      writer.array { for one in NotificationDescription.all { write(one, to: &$0) } }
      writer.name("components")
      writer.object { writeComponents(to: &$0) }
    }
  }

  private static func write(_ method: Method, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("name", method.name)
      writer.member("summary", method.summary)
      writer.member("paramStructure", "by-name")
      writer.name("params")
      writeDescriptors(of: method.members, in: method.paramsComponent, to: &writer)
      writer.name("result")
      writer.object {
        $0.member("name", method.result)
        $0.name("schema")
        MessageSchema.reference(method.result).write(to: &$0)
      }
      writer.name("errors")
      writer.array { writer in
        for failure in method.failures() {
          writer.object {
            $0.member("code", failure.code.rawValue)
            $0.member("message", failure.message)
            // OpenRPC specifies a value. This is the schema of the value.
            $0.name("data")
            MessageSchema.reference(failure.data).write(to: &$0)
          }
        }
      }
      let examples = method.examples()
      guard !examples.isEmpty else { return }
      writer.name("examples")
      writer.array { for example in examples { example.write(to: &$0) } }
    }
  }

  private static func write(
    _ notification: NotificationDescription, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("name", notification.name)
      writer.member("summary", notification.summary)
      writer.member("paramStructure", "by-name")
      writer.name("params")
      writeDescriptors(
        of: notification.members, in: notification.paramsComponent, to: &writer)
    }
  }

  private static func writeDescriptors(
    of members: [MessageSchema.Member], in component: String, to writer: inout JSONWriter
  ) {
    writer.array { writer in
      for member in members {
        writer.object {
          $0.member("name", member.name)
          $0.member(ifPresent: "summary", member.about)
          $0.member("required", member.isRequired)
          $0.name("schema")
          MessageSchema.reference("\(component)/properties/\(member.name)").write(to: &$0)
        }
      }
    }
  }

  private static func writeComponents(to writer: inout JSONWriter) {
    writer.name("schemas")
    writer.object { writer in
      for component in EnvelopeSchemas.all + FailureSchemas.all
        + NotificationDescription.components + MethodSchemas.all + ResultSchemas.all
        + AuditSchemas.all
      {
        writer.name(text: component.name)
        component.schema.write(about: component.about, to: &writer)
      }
    }
  }
}
