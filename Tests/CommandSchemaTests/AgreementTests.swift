import Basics
import BitdefenderGravityZone
import CODAFootprint
import Gmail
import IntegrationKit
import JSON
import JSONSchema
import TestSupport
import Testing

/// Each command's JSON Schema, as `capabilities` returns it, against the decoder of its arguments.
struct AgreementTests {
  static let integrations = [
    RegisteredIntegration(BitdefenderGravityZone.self),
    RegisteredIntegration(CODAFootprint.self),
    RegisteredIntegration(Gmail.self),
  ]

  struct Subject: CustomTestStringConvertible, Sendable {
    let integration: String
    let command: RegisteredCommand

    var testDescription: String { "\(integration) \(command.id)" }
    var schema: JSON { JSONFragment { command.shape.writeSchema(to: &$0) }.json }
  }

  static let subjects = integrations.flatMap { integration in
    integration.commands.map { Subject(integration: integration.id, command: $0) }
  }

  /// Problems of the decoder that no schema expresses: the grammar of a text, the order of two times,
  /// and texts that depend on one another.
  private static let beyondSchema = [
    "invalid time: ", "must not be after ", "must be before ", "invalid cursor", "at character ",
    "must be an address without a name", "needs a subject or a text that is not blank",
  ]

  @Test(arguments: subjects)
  func `the schema of a command and its decoder agree`(_ subject: Subject) throws {
    let json = subject.schema
    let schema = try JSONSchema(json)
    var generator = ArgumentGenerator(seed: 20)
    var (accepted, refused) = (0, 0)
    for round in 1...300 {
      let text = generator.arguments(for: json, mistakeRate: round % 2 == 0 ? 8 : 200)
      let arguments = try JSON.parse(text)
      let problems = problems(of: arguments, for: subject.command)
      let faults = schema.faults(of: arguments)
      if problems.isEmpty { accepted += 1 } else { refused += 1 }
      if faults.isEmpty {
        let others = problems.filter { problem in
          !Self.beyondSchema.contains { problem.message.hasPrefix($0) }
        }
        #expect(others.map(\.message) == [], "the schema accepts \(text.prefix(1_000))")
      } else if problems.isEmpty {
        let isLooser = isDecoderLooser(schema, arguments)
        #expect(
          isLooser, "the decoder accepts \(text.prefix(1_000)); schema: \(faults.map(\.text))")
      }
    }
    // Otherwise the comparison proves little.
    #expect(accepted >= 30 && refused >= 5, "\(accepted) accepted, \(refused) refused")
  }

  /// Whether the decoder accepts more on purpose: null counts as not given, and a choice has other
  /// spellings and a number. The schema lists one spelling, so that there is one to learn.
  private func isDecoderLooser(_ schema: JSONSchema, _ arguments: JSON) -> Bool {
    let faults = schema.faults(of: JSONFragment { write(arguments, to: &$0) }.json)
    return faults.isEmpty || faults.contains { $0.schemaPath.hasSuffix("/enum") }
  }

  /// Writes a value without members that are null.
  private func write(_ value: JSON, to writer: inout JSONWriter) {
    guard value.kind == .object else { return writer.value(value) }
    writer.object { writer in
      for member in value.members where !member.value.isNull {
        writer.name(copying: member.name)
        write(member.value, to: &writer)
      }
    }
  }

  private func problems(
    of arguments: JSON, for command: RegisteredCommand
  ) -> [ParameterProblem] {
    do {
      try command.check(arguments)
      return []
    } catch {
      return error.list
    }
  }

  @Test(arguments: integrations)
  func `the schema of settings is supported`(_ integration: RegisteredIntegration) throws {
    let json = JSONFragment { integration.settingsShape.writeSchema(to: &$0) }.json
    let schema = try JSONSchema(json)
    #expect(schema.faults(of: try JSON.parse(#"{"unknown_name":1}"#)).contains { $0.isUnknown })
  }
}
