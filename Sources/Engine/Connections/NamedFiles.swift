import Basics
import FileStore
import Glibc
import IntegrationKit
import JSON

/// The files that a connection of a connections file names.
struct NamedFiles {
  private struct NamedFile {
    let path: String
    let setting: String
    /// The member of the connection that contains the setting.
    let member: String
    let isSecret: Bool
  }

  private let files: [NamedFile]

  init(of definition: ConnectionDefinition) {
    func named(
      _ path: String?, _ setting: String, in member: String, isSecret: Bool
    ) -> [NamedFile] {
      path.map { [NamedFile(path: $0, setting: setting, member: member, isSecret: isSecret)] } ?? []
    }
    let tls = definition.tls
    var password: String?
    if case .file(let path) = tls?.clientKeyPassword { password = path }
    files =
      named(tls?.caFile, "ca_file", in: "tls", isSecret: false)
      + named(tls?.clientCertificate, "client_certificate", in: "tls", isSecret: false)
      + named(tls?.clientKey, "client_key", in: "tls", isSecret: true)
      + named(password, "client_key_password", in: "tls", isSecret: true)
      + definition.settings.members.flatMap { setting in
        let name = setting.name.string ?? ""
        // A program without a slash is looked up on PATH, which the operator sets.
        let program = setting.value["$command"]?.elements.first { _ in true }?.string
        return named(setting.value["$file"]?.string, name, in: "settings", isSecret: true)
          + named(
            program.flatMap { $0.utf8.contains(UInt8(ascii: "/")) ? $0 : nil }, name,
            in: "settings", isSecret: false)
      }
  }

  /// Prevents callers from storing files that contain secrets.
  func protect(in store: FileStore) {
    for file in files where file.isSecret { store.protect(file.path) }
  }

  /// A sentence about each file that other users can change, or read although it is secret, and about
  /// TLS files that cannot be read; and whether that stops the connection. Blocks.
  func findings() -> [(text: String, isFault: Bool)] {
    files.flatMap { file -> [(text: String, isFault: Bool)] in
      var texts: [(text: String, isFault: Bool)] = []
      do throws(FileError) {
        try TrustedFile.check(file.path) { texts.append(($0, false)) }
      } catch {
        return [("\(error)", true)]
      }
      var status = stat()
      guard access(file.path, R_OK) == 0, stat(file.path, &status) == 0 else {
        // A setting that cannot be read is another check.
        return file.member == "tls" ? [("\(FileError(path: file.path, code: errno))", true)] : []
      }
      if file.isSecret, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o044 != 0 {
        texts.append(("other users can read \(file.path); run chmod 600 on it", false))
      }
      return texts
    }
  }

  var count: Int { files.count }

  /// Secrets and keys that another user can replace would make the host act for that user.
  func check(_ warn: (String) -> Void) throws(ParameterProblems) {
    for file in files {
      do throws(FileError) {
        try TrustedFile.check(file.path, warn: warn)
      } catch {
        // Other problems are reported when the file is used.
        guard error.isRefusal else { continue }
        throw ParameterProblems(
          ParameterProblem("\(error)", at: file.setting), of: ConnectionDefinition.shape
        ).inside(file.member)
      }
    }
  }
}
