import Basics
import Glibc
import HTTP

/// The files of a connection's TLS settings, read again after TLS could not use them: libcurl reports
/// one error for many causes.
struct TLSFiles {
  struct Fault: Error {
    let reason: String
    let remedy: String
  }

  private static let maximumBytes = 1_024 * 1_024

  private let route: TransportRoute

  init(_ route: TransportRoute) { self.route = route }

  /// What is wrong with the authorities. Blocks.
  func authoritiesFault(until deadline: Deadline) -> Fault? {
    guard let path = route.caFile else { return nil }
    let file = File(noun: "the CA file", setting: "tls.ca_file", path: path)
    return fault {
      () throws(Fault) in
      _ = try file.certificates(until: deadline)
      throw file.fault("contains a damaged certificate", "Replace the file.")
    }
  }

  /// What is wrong with the client's certificate or key. Blocks.
  func clientFault(until deadline: Deadline) -> Fault? {
    guard let path = route.clientCertificate else { return nil }
    let certificate = File(
      noun: "the client certificate", setting: "tls.client_certificate", path: path)
    let key = route.clientKey.map {
      File(noun: "the client key", setting: "tls.client_key", path: $0)
    }
    return fault {
      () throws(Fault) in
      let content = try certificate.certificates(until: deadline)
      guard let key else {
        guard content.contains("PRIVATE KEY-----") else {
          throw certificate.fault(
            "contains no private key, and tls.client_key is not set",
            "Set tls.client_key to the PEM file of the key.")
        }
        throw try usingKey(certificate, content)
      }
      throw try usingKey(key, key.pem(until: deadline))
    }
  }

  /// Of a key that has been read, but does not work.
  private func usingKey(_ file: File, _ content: String) throws(Fault) -> Fault {
    guard content.contains("PRIVATE KEY-----") else {
      throw file.fault("contains no private key", "It must be the PEM file of a private key.")
    }
    // RFC 7468 section 11, and RFC 1421 section 4.6.1.1.
    if content.contains("BEGIN ENCRYPTED PRIVATE KEY") || content.contains("4,ENCRYPTED") {
      return route.clientKeyPassword == nil
        ? file.fault(
          "is encrypted: set tls.client_key_password", "Set tls.client_key_password.")
        : file.fault(
          "cannot be decrypted: tls.client_key_password is wrong",
          "Correct tls.client_key_password.")
    }
    return file.fault(
      "is damaged, or its key belongs to another certificate than tls.client_certificate",
      "Use the key that the certificate was issued for.")
  }

  private func fault(_ check: () throws(Fault) -> Void) -> Fault? {
    do throws(Fault) {
      try check()
      return nil
    } catch {
      return error
    }
  }

  private struct File {
    /// What an error calls it.
    let noun: String
    let setting: String
    let path: String

    func fault(_ predicate: String, _ remedy: String) -> Fault {
      Fault(reason: "\(noun) \(place) \(predicate)", remedy: "Check \(setting). \(remedy)")
    }

    /// With the directory that a relative path starts from.
    private var place: String {
      guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
      defer { free(directory) }
      return "\(path) (in \(String(cString: directory)))"
    }

    func certificates(until deadline: Deadline) throws(Fault) -> String {
      let content = try pem(until: deadline)
      guard content.contains("CERTIFICATE-----") else {
        throw fault("contains no certificate", "It must be a PEM file of certificates.")
      }
      return content
    }

    func pem(until deadline: Deadline) throws(Fault) -> String {
      let content: [UInt8]
      do throws(FileError) {
        content = try FileDescriptor.readFile(
          path, limit: TLSFiles.maximumBytes, deadline: deadline)
      } catch {
        throw fault(
          "cannot be read: \(error.reason)", "This user must be allowed to read the file.")
      }
      guard !content.isEmpty else { throw fault("is empty", "Replace the file.") }
      let text = String(decoding: content, as: UTF8.self)
      guard text.contains("-----BEGIN ") else {
        // The tag of a sequence, which every certificate and key in DER is.
        throw content.first == 0x30
          ? fault("is in DER", "Convert it to PEM, such as with openssl x509 -inform DER.")
          : fault("is no PEM file", "It must be in PEM.")
      }
      return text
    }
  }
}
