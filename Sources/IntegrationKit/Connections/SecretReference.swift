import Basics
import Glibc
import JSON
import Redaction

/// A setting that is a secret: itself, or where it is kept. Read when it is first needed.
///
/// Line ends behind it and a byte order mark before it are of the file or program, and dropped.
public indirect enum SecretReference: Sendable {
  case literal(String)
  /// A key or token: white space around it is dropped, and line breaks inside are refused.
  case token(SecretReference)
  /// A document, such as the key file of a service account. Taken as it is: its reader names its bytes.
  case document(SecretReference)
  /// `{"$env":"NAME"}`
  case environment(String)
  /// `{"$file":"PATH"}`
  case file(String)
  /// `{"$command":["op","read","…"],"environment":["NAME"]}`: what it prints. It gets the named variables of the host beside those that every program gets.
  case command([String], environment: [String] = [])

  /// Maximum length of a secret in bytes.
  public static let maximumBytes = 16 * 1_024
  /// Maximum length of a secret document in bytes, such as the key of a service account.
  public static let maximumDocumentBytes = 64 * 1_024
  /// Milliseconds that a command may take: time for a person to confirm on a device.
  static let commandMilliseconds = 20_000
  /// Milliseconds after its deadline in which a command that is killed ends.
  private static let endingMilliseconds = 500

  /// Why a secret is unavailable. Names the source, never the value.
  public struct Fault: Error, Sendable {
    public var kind = CommandError.Kind.auth
    public var reason: String
    public var remedy: String

    /// The failure of a command that needs the secret.
    ///
    /// - Parameter what: such as `The password`.
    public func error(reading what: String) -> CommandError {
      if kind == .cancelled { return .cancelled(outcome: .notApplied) }
      return CommandError(
        kind, "\(what) cannot be read: \(reason).",
        isRetryable: kind == .timeout || kind == .unavailable, remedy: remedy)
    }

    init(reason: String, remedy: String, kind: CommandError.Kind = .auth) {
      self.kind = kind
      self.reason = reason
      self.remedy = remedy
    }
  }

  /// Blocks while a file is read or a command runs.
  private func read(
    until deadline: Deadline, _ secrets: Redactor, _ stop: ChildProcess.Stop
  ) throws(Fault) -> String {
    switch self {
    case .literal(let text): return text
    case .token(let reference), .document(let reference):
      return try reference.read(until: deadline, secrets, stop)
    case .environment(let name):
      guard let value = getenv(name) else {
        throw Fault(
          reason: "the environment variable \(name) is not set",
          remedy: "Set \(name) for the process that starts sallyport.")
      }
      return String(cString: value)
    case .file(let path):
      do throws(FileError) {
        return String(
          decoding: try TrustedFile.read(
            path, limit: Self.maximumDocumentBytes, deadline: deadline
          ).bytes, as: UTF8.self)
      } catch {
        throw Fault(error)
      }
    case .command(let words, let variables):
      let command = SecretCommand(words, variables, secrets)
      return String(decoding: try command.output(by: deadline, stop), as: UTF8.self)
    }
  }

  private var place: String {
    switch self {
    case .literal: "the setting"
    case .token(let reference), .document(let reference): reference.place
    case .environment(let name): "the environment variable \(name)"
    case .file(let path): "\(path)"
    case .command(let words, _): "the output of the command \(words.first ?? "")"
    }
  }

  private var emptyFault: Fault {
    if case .command = source {
      return Fault(
        reason: "\(place) is empty",
        remedy: "Run it by hand. If it needs a variable of the environment, name it in "
          + "\"environment\" beside $command.")
    }
    return Fault(reason: "\(place) is empty", remedy: "Put the secret there.")
  }

  private var source: SecretReference {
    switch self {
    case .token(let reference), .document(let reference): reference
    default: self
    }
  }

  /// What is left of a text that was read.
  private func secret(in text: String) throws(Fault) -> String {
    let trimmed = SecretText.trimmed(text)
    switch self {
    case .document: return trimmed.isEmpty ? "" : text
    case .token:
      guard !SecretText.hasControl(trimmed) else {
        throw Fault(
          reason: "\(place) has more than one line, or control characters",
          remedy: "Put only the secret there, in one line.")
      }
      return trimmed
    default: return SecretText.withoutLineEnds(text)
    }
  }

  private var maximumBytes: Int {
    if case .document = self { Self.maximumDocumentBytes } else { Self.maximumBytes }
  }

  /// Reads the secret in blocking work, and redacts it from all output from then on.
  ///
  /// A command is killed when nobody waits for the secret any more.
  ///
  /// - Parameter deadline: of the invocation that needs it. A command has 20 s at most.
  public func resolve(
    _ secrets: Redactor, by deadline: Deadline
  ) async throws(Fault) -> String {
    let text: String
    switch source {
    case .file, .command: text = try await readBlocking(secrets, by: deadline)
    default: text = try read(until: deadline, secrets, ChildProcess.Stop())
    }
    let value = try secret(in: text)
    guard !value.isEmpty else { throw emptyFault }
    guard value.utf8.count <= maximumBytes else {
      throw Fault(
        reason: "\(place) has more than \(maximumBytes) bytes",
        remedy: "Put only the secret there.")
    }
    secrets.add(value)
    return value
  }

  /// Reads a setting that is no secret, so that it is not redacted. Blocks.
  package func value(
    _ secrets: Redactor, until deadline: Deadline
  ) throws(Fault) -> String {
    let value = try secret(
      in: try read(
        until: deadline.orEarlier(inMilliseconds: Self.commandMilliseconds), secrets,
        ChildProcess.Stop()))
    guard !value.isEmpty else { throw emptyFault }
    guard value.utf8.count <= maximumBytes else {
      throw Fault(
        reason: "\(place) has more than \(maximumBytes) bytes", remedy: "Put only the value there.")
    }
    return value
  }

  private func readBlocking(
    _ secrets: Redactor, by deadline: Deadline
  ) async throws(Fault) -> String {
    let deadline = deadline.orEarlier(inMilliseconds: Self.commandMilliseconds)
    let stop = ChildProcess.Stop()
    FlightInterest.current?.whenAbandoned { stop.stop() }
    let result: Result<Result<String, Fault>, BlockingWork.Interruption>
    result = await withTaskCancellationHandler {
      do throws(BlockingWork.Interruption) {
        // Its own deadline ends it: the run waits for that, so as not to lose the reason.
        return .success(
          try await BlockingWork.helpers.run(
            until: Deadline(at: deadline.time.adding(milliseconds: Self.endingMilliseconds))
          ) {
            Result { () throws(Fault) in try read(until: deadline, secrets, stop) }
          })
      } catch {
        // Also a command that is about to start.
        stop.stop()
        return .failure(error)
      }
    } onCancel: {
      stop.stop()
    }
    switch result {
    case .success(let value): return try value.get()
    case .failure(let interruption): throw Fault(interruption, place)
    }
  }
}

extension SecretReference.Fault {
  fileprivate init(_ error: FileError) {
    switch error.code {
    case EMFILE, ENFILE, ENOMEM:
      self.init(
        reason: "\(error)", remedy: "Raise the limit of descriptors of this user.",
        kind: .unavailable)
    case ETIMEDOUT:
      self.init(
        reason: "\(error)", remedy: "Check what writes to the other end of it.", kind: .timeout)
    case _ where error.isRefusal:
      self.init(reason: "\(error)", remedy: "Only this user or root may change the file.")
    default: self.init(reason: "\(error)", remedy: "Check the path and who may read it.")
    }
  }

  fileprivate init(_ interruption: BlockingWork.Interruption, _ place: String) {
    switch interruption {
    case .deadline:
      self.init(
        reason: "\(place) did not come in time", remedy: "Check what delays it.", kind: .timeout)
    case .cancelled:
      self.init(reason: "the request was cancelled", remedy: "", kind: .cancelled)
    case .noThread(let code):
      self.init(
        reason: "no thread is left: \(String(cString: strerror(code)))",
        remedy: "Raise the limit of threads of this user.", kind: .unavailable)
    }
  }
}
