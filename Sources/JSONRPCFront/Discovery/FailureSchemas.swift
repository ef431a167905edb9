import Basics
import IntegrationKit
import JSON
import RPC

/// The schemas of errors and their parts.
enum FailureSchemas {
  /// One error code.
  struct Code: Sendable {
    let code: RPCError.Code
    let message: String
    /// The schema component of `data`.
    let data: String
    /// Whether `data` is optional.
    var mayLackData = false
  }

  static let parseError = Code(
    code: .parseError, message: "The line is not JSON.", data: "line_fault")
  static let invalidRequest = Code(
    code: .invalidRequest, message: "Not a request.", data: "line_fault",
    mayLackData: true)
  static let methodNotFound = Code(
    code: .methodNotFound, message: "Method not found.", data: "unknown_method")
  static let invalidParams = Code(
    code: .invalidParams, message: "Invalid params.", data: "param_faults")
  static let commandFailed = Code(
    code: .commandFailed, message: "List Devices failed.",
    data: "command_failure")
  static let cancelled = Code(
    code: .requestCancelled, message: "List Devices failed.",
    data: "command_failure")

  static let codes = [
    parseError, invalidRequest, methodNotFound, invalidParams, commandFailed, cancelled,
  ]

  static var all: [SchemaComponent] {
    [
      SchemaComponent("error", "Why a request failed.", .oneOf(codes.map(schema))),
      SchemaComponent(
        "line_fault", "The position of the error in the input.",
        .object([
          .always("line", .integer(from: 1), "The line number, from 1."),
          .always("offset", .count, "The position in the line in bytes, from 0."),
          .sometimes("remedy", .text),
        ])),
      SchemaComponent(
        "unknown_method", "The requested method and the available methods.",
        .object([
          .always("method", .text), .sometimes("did_you_mean", .text),
          .always("methods", .list(.text)),
        ])),
      SchemaComponent(
        "param_faults", "All problems in the params.",
        .object([
          .always("return_data", .word("Failed")), .always("failure_indicator", .text),
          .always("status_code", .code(400)), .always("message", .text),
          .always("kind", .word("validation")),
          .always("retryable", .written { $0.member("const", false) }),
          .always("outcome", .word("not_applied")), .sometimes("remedy", .text),
          .always("problems", .list(.reference("problem"))),
          .sometimes("meta", .reference("meta"), "Of an invoke."),
        ])),
      SchemaComponent(
        "problem", "One problem in the params.",
        .object([
          .always("path", .text, "JSON Pointer relative to params."), .always("message", .text),
          .sometimes("did_you_mean", .text),
        ])),
      SchemaComponent(
        "command_failure", "Why a command failed.",
        .object(
          [.always("return_data", .word("Failed"))] + failure
            + [.sometimes("meta", .reference("meta"), "Of an invoke.")])),
      SchemaComponent(
        "poll_failure", "Why a poll of events/follow failed, as data of an error response.",
        .object(
          [.always("return_data", .word("Failed"))] + failure + [
            .sometimes("problems", .list(.reference("problem"))),
            .sometimes("meta", .reference("meta")),
          ])),
      SchemaComponent("failure", "Why a target failed.", .object(failure)),
      SchemaComponent(
        "target_error", "A failed target and its error.",
        .object(failure + [.always("target", .text)])),
      SchemaComponent(
        "target", "The outcome of one target.",
        .object([
          .always("target", .text), .always("return_data", .choice(["Successful", "Failed"])),
          .sometimes("data", .any, "The vendor's response, in streams and in errors."),
          .sometimes("files", .list(.reference("file_reference"))),
          .sometimes("error", .reference("failure")),
        ])),
    ]
  }

  private static var failure: [MessageSchema.Member] {
    [
      .always("failure_indicator", .text), .always("status_code", .integer(from: 100)),
      .always("message", .text, "The description for people."),
      .always("kind", .choice(CommandError.Kind.allCases.map(\.rawValue))),
      .always("retryable", .boolean), .sometimes("retry_after_ms", .count),
      .always(
        "outcome", .choice(CommandError.Outcome.allCases.map(\.rawValue)),
        "Whether the request may have been applied."),
      .sometimes("remedy", .text, "What the user can do."),
      .sometimes("targets", .list(.reference("target"))),
      .sometimes("upstream", .any, "The vendor's response."),
    ]
  }

  private static func schema(of code: Code) -> MessageSchema {
    let data = MessageSchema.reference(code.data)
    return .closed([
      .always("code", .code(code.code.rawValue)), .always("message", .text),
      code.mayLackData ? .sometimes("data", data) : .always("data", data),
    ])
  }
}
