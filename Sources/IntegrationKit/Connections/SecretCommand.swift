import Basics
import Redaction

/// A program that prints a secret.
struct SecretCommand {
  typealias Fault = SecretReference.Fault

  /// Lines and characters of its stderr that an error quotes.
  private static let quotedLines = 3
  private static let quotedCharacters = 400

  private let words: [String]
  /// Names of variables that it gets beside those that every program gets.
  private let variables: [String]
  private let secrets: Redactor

  init(_ words: [String], _ variables: [String], _ secrets: Redactor) {
    (self.words, self.variables, self.secrets) = (words, variables, secrets)
  }

  private var name: String { words.first ?? "" }

  /// Blocks.
  func output(by deadline: Deadline, _ stop: ChildProcess.Stop) throws(Fault) -> [UInt8] {
    let environment = ChildProcess.environment(with: variables)
    let result: ChildProcess.Result
    do throws(ChildStart.Refusal) {
      result = try ChildProcess(
        words, environment: environment, maximumBytes: SecretReference.maximumDocumentBytes
      ).run(until: deadline, stop: stop)
    } catch {
      throw fault(error)
    }
    if result.ending == .exit(status: 0) { return result.output }
    throw fault(result, environment)
  }

  private func fault(_ refusal: ChildStart.Refusal) -> Fault {
    guard refusal.concernsProgram else {
      return Fault(
        reason: "the command \(name) cannot be started: \(refusal.reason)",
        remedy: "Raise the limits of processes, memory and descriptors of this user.",
        kind: .unavailable)
    }
    let isOnPath = !name.contains("/")
    let guess = isOnPath ? Suggestion.closest(to: name, among: ChildProcess.programsOnPath()) : nil
    return Fault(
      reason: "the command \(name) cannot be started: \(refusal.reason)",
      remedy: guess.map { "Did you mean \($0)?" }
        ?? (isOnPath
          ? "Install \(name), or write its whole path: it is not on PATH." : "Check the path."))
  }

  private func fault(_ result: ChildProcess.Result, _ environment: [String: String]) -> Fault {
    let quote = quote(result, environment)
    switch result.ending {
    case .stopped:
      return Fault(reason: "the request was cancelled", remedy: "", kind: .cancelled)
    case .deadline:
      return Fault(
        reason: "the command \(name) did not exit in time\(quote)",
        remedy: "Run it by hand to see why. It may take "
          + "\(SecretReference.commandMilliseconds / 1_000) s, and has no terminal.",
        kind: .timeout)
    case .tooMuchOutput:
      return Fault(
        reason:
          "the command \(name) printed more than \(SecretReference.maximumDocumentBytes) bytes",
        remedy: "Let it print the secret only.")
    case .exit(let status):
      return Fault(
        reason: "the command \(name) ended with status \(status)\(quote)", remedy: Self.remedy)
    case .signal(let number):
      return Fault(
        reason: "the command \(name) was ended by signal \(number)\(quote)", remedy: Self.remedy)
    }
  }

  private static let remedy =
    "Run it by hand to see why. It gets only variables such as PATH and HOME; name others in "
    + "\"environment\" beside \"$command\"."

  /// The last lines of its stderr, without what it printed on stdout and without the values of the
  /// variables that were named for it.
  private func quote(_ result: ChildProcess.Result, _ environment: [String: String]) -> String {
    let lines = String(decoding: result.errors, as: UTF8.self)
      .split(whereSeparator: \.isNewline)
      .map { line in String(String.UnicodeScalarView(line.unicodeScalars.filter(Self.isShown))) }
      .filter { !$0.allSatisfy(\.isWhitespace) }
    guard !lines.isEmpty else { return "" }
    let printed = String(decoding: result.output, as: UTF8.self).split(whereSeparator: \.isNewline)
    let own = Redactor()
    for text in printed { own.add(String(text)) }
    for name in variables where Self.mayBeSecret(name) {
      if let value = environment[name] { own.add(value) }
    }
    let text = secrets.redact(own.redact(lines.suffix(Self.quotedLines).joined(separator: " | ")))
    return ": \(text.suffix(Self.quotedCharacters))"
  }

  /// No control characters, which could change a terminal, and no marks of direction.
  private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: scalar == "\t"
    default: true
    }
  }

  /// An address in a message helps; a token must not appear.
  private static func mayBeSecret(_ variable: String) -> Bool {
    let name = variable.uppercased()
    return ["TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL", "AUTH"].contains { name.contains($0) }
  }
}
