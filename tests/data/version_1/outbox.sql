BEGIN TRANSACTION;
CREATE TABLE dead (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, message TEXT NOT NULL, reason TEXT NOT NULL, advice TEXT NOT NULL,
  at REAL NOT NULL, tries INTEGER NOT NULL);
INSERT INTO "dead" VALUES('00000000000500000000000000000000','g','{"version":1,"type":"entry","id":"00000000000500000000000000000000","group":"g","thread":"refused","source":"github","kind":"push","delivery":"5","topic":"Topic 5","summary":"","html":"<p>000000000005</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:05+00:00","received":"2027-01-15T08:00:05+00:00"}','400: bad HTML','Look at the event''s template and payload; correct the template, then replay the dead letter.',1800000106.0,0);
INSERT INTO "dead" VALUES('29ecbeb830e3244605e5a88493e40884','','no JSON','The message is not one of the bridge''s: JSONDecodeError.','Look at the message: if a newer version of the bridge wrote it, upgrade, then replay the dead letter.',1800000118.0,0);
CREATE TABLE lease (
  partition TEXT NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL, expires REAL NOT NULL, version TEXT NOT NULL,
  PRIMARY KEY (partition, name)) WITHOUT ROWID;
INSERT INTO "lease" VALUES('b','lease','',0.0,'4e8ebf5bd722c5a2');
INSERT INTO "lease" VALUES('g','lease','',0.0,'de717bdd9af6bc4f');
INSERT INTO "lease" VALUES('h','lease','',0.0,'a4b1d3b10141e0f9');
INSERT INTO "lease" VALUES('slots','slot/0','',0.0,'adc842d466fdd0b9');
INSERT INTO "lease" VALUES('slots','slot/2','',0.0,'ffc7ff309cffa943');
INSERT INTO "lease" VALUES('slots','slot/3','',0.0,'89024e04f14a178d');
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, visible REAL NOT NULL,
  dequeue_count INTEGER NOT NULL DEFAULT 0, receipt TEXT NOT NULL DEFAULT '');
INSERT INTO "message" VALUES(1,'entries','{"version":1,"type":"wake","group":"g"}',1800000718.0,1,'ce5bd8f899f559f8');
INSERT INTO "message" VALUES(2,'entries','{"version":1,"type":"wake","group":"g"}',1800000718.0,1,'5f1eea45434cc3d9');
INSERT INTO "message" VALUES(3,'entries','{"version":1,"type":"wake","group":"g"}',1800000718.0,1,'79c6d2df5adfd66f');
INSERT INTO "message" VALUES(4,'entries','{"version":1,"type":"wake","group":"h"}',1800000718.0,1,'1c334e93537ed455');
INSERT INTO "message" VALUES(5,'entries','{"version":1,"type":"wake","group":"h"}',1800000142.0,0,'');
INSERT INTO "message" VALUES(6,'entries','{"version":1,"type":"wake","group":"b"}',1800000718.0,1,'e1fce8db66144879');
INSERT INTO "message" VALUES(7,'entries','{"version":1,"type":"wake","group":"b"}',1800000218.0,0,'');
INSERT INTO "message" VALUES(8,'entries','{"version":1,"type":"wake","group":"g"}',1800000123.0,0,'');
INSERT INTO "message" VALUES(9,'entries','{"version":1,"type":"entry","id":"00000000001200000000000000000000","group":"g","thread":"queued","source":"github","kind":"push","delivery":"12","topic":"Topic 12","summary":"","html":"<p>000000000012</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:12+00:00","received":"2027-01-15T08:00:12+00:00"}',1800000718.0,1,'d6e4c1a908be7c63');
INSERT INTO "message" VALUES(10,'entries-poison','{"version":1,"type":"entry","id":"00000000001300000000000000000000","group":"g","thread":"poisoned","source":"github","kind":"push","delivery":"13","topic":"Topic 13","summary":"","html":"<p>000000000013</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:13+00:00","received":"2027-01-15T08:00:13+00:00"}',1800000718.0,1,'');
CREATE TABLE open (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, message TEXT NOT NULL, recorded REAL NOT NULL, due REAL NOT NULL,
  state TEXT NOT NULL, tries INTEGER NOT NULL, missing INTEGER NOT NULL, alone INTEGER NOT NULL, attempt TEXT NOT NULL,
  claimed REAL NOT NULL, until REAL NOT NULL, thread TEXT NOT NULL, version TEXT NOT NULL);
INSERT INTO "open" VALUES('00000000000200000000000000000000','g','{"version":1,"type":"entry","id":"00000000000200000000000000000000","group":"g","thread":"deferred","source":"github","kind":"push","delivery":"2","topic":"Topic 2","summary":"","html":"<p>000000000002</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:02+00:00","received":"2027-01-15T08:00:02+00:00"}',1800000100.0,1800000111.0,'deferred',1,0,0,'7311d8a3c2ce6f44.50',1800000106.0,1800000211.0,'','999df9ea1dbbd97f');
INSERT INTO "open" VALUES('00000000000300000000000000000000','g','{"version":1,"type":"entry","id":"00000000000300000000000000000000","group":"g","thread":"unknown","source":"github","kind":"push","delivery":"3","topic":"Topic 3","summary":"","html":"<p>000000000003</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:03+00:00","received":"2027-01-15T08:00:03+00:00"}',1800000100.0,1800000112.0,'sending',0,0,0,'7311d8a3c2ce6f44.49',1800000106.0,1800000132.0,'','5e354655fe1665da');
INSERT INTO "open" VALUES('00000000000400000000000000000000','g','{"version":1,"type":"entry","id":"00000000000400000000000000000000","group":"g","thread":"posted","source":"github","kind":"push","delivery":"4","topic":"Topic 4","summary":"","html":"<p>000000000004</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:04+00:00","received":"2027-01-15T08:00:04+00:00"}',1800000100.0,1800000112.0,'sending',0,0,0,'7311d8a3c2ce6f44.48',1800000106.0,1800000132.0,'','dbd815b1b620289f');
INSERT INTO "open" VALUES('00000000000600000000000000000000','g','{"version":1,"type":"entry","id":"00000000000600000000000000000000","group":"g","thread":"gone","source":"github","kind":"push","delivery":"6","topic":"Topic 6","summary":"","html":"<p>000000000006</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:06+00:00","received":"2027-01-15T08:00:06+00:00"}',1800000100.0,1800000112.0,'deferred',0,1,0,'7311d8a3c2ce6f44.45',1800000106.0,1800000211.0,'thread-2','119fceaf924e5f80');
INSERT INTO "open" VALUES('00000000000700000000000000000000','g','{"version":1,"type":"entry","id":"00000000000700000000000000000000","group":"g","thread":"isolated","source":"github","kind":"push","delivery":"7","topic":"Topic 7","summary":"","html":"<p>000000000007</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:07+00:00","received":"2027-01-15T08:00:07+00:00"}',1800000100.0,1800000211.0,'sending',0,0,1,'7ce42c8218072e8c.44',1800000106.0,1800000211.0,'','f55db195da957a63');
INSERT INTO "open" VALUES('00000000000800000000000000000000','g','{"version":1,"type":"entry","id":"00000000000800000000000000000000","group":"g","thread":"isolated","source":"github","kind":"push","delivery":"8","topic":"Topic 8","summary":"","html":"<p>000000000008</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:08+00:00","received":"2027-01-15T08:00:08+00:00"}',1800000100.0,1800000106.0,'pending',0,0,1,'7311d8a3c2ce6f44.46',1800000106.0,1800000211.0,'','f21d624c93ab0987');
INSERT INTO "open" VALUES('00000000000900000000000000000000','h','{"version":1,"type":"entry","id":"00000000000900000000000000000000","group":"h","thread":"held","source":"github","kind":"push","delivery":"9","topic":"Topic 9","summary":"","html":"<p>000000000009</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:09+00:00","received":"2027-01-15T08:00:09+00:00"}',1800000106.0,1800000112.0,'pending',0,0,0,'7204e52db2221a58.50',1800000112.0,1800000217.0,'','005e1229f29cda72');
INSERT INTO "open" VALUES('00000000001000000000000000000000','b','{"version":1,"type":"entry","id":"00000000001000000000000000000000","group":"b","thread":"backoff","source":"github","kind":"push","delivery":"10","topic":"Topic 10","summary":"","html":"<p>000000000010</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:10+00:00","received":"2027-01-15T08:00:10+00:00"}',1800000112.0,1800000218.0,'deferred',1,0,0,'51431193e6c3f339.50',1800000118.0,1800000223.0,'','b37045a8a24c689d');
INSERT INTO "open" VALUES('00000000001100000000000000000000','g','{"version":1,"type":"entry","id":"00000000001100000000000000000000","group":"g","thread":"delivered","source":"github","kind":"push","delivery":"11","topic":"Topic 11","summary":"","html":"<p>000000000011</p>","url":"","severity":"info","ends_thread":false,"participants":[],"conversation":"","occurred":"2027-01-15T08:00:11+00:00","received":"2027-01-15T08:00:11+00:00"}',1800000118.0,1800000123.0,'pending',0,0,0,'',0.0,0.0,'','f446aab1c7218b00');
CREATE TABLE pause (
  partition TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL, tries INTEGER NOT NULL)
  WITHOUT ROWID;
INSERT INTO "pause" VALUES('b',1800000218.0,'',0.0,0);
INSERT INTO "pause" VALUES('h',1800000142.0,'403: no',1800000112.0,0);
CREATE TABLE seen (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL, delivery TEXT NOT NULL,
  at REAL NOT NULL, thread TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
INSERT INTO "seen" VALUES('00000000000000000000000000000000','g','github','push','0',1800000000.0,'thread-1');
INSERT INTO "seen" VALUES('00000000000100000000000000000000','g','github','push','1',1800000000.0,'thread-2');
INSERT INTO "seen" VALUES('00000000000200000000000000000000','g','github','push','2',1800000100.0,'');
INSERT INTO "seen" VALUES('00000000000300000000000000000000','g','github','push','3',1800000100.0,'');
INSERT INTO "seen" VALUES('00000000000400000000000000000000','g','github','push','4',1800000100.0,'');
INSERT INTO "seen" VALUES('00000000000500000000000000000000','g','github','push','5',1800000100.0,'');
INSERT INTO "seen" VALUES('00000000000600000000000000000000','g','github','push','6',1800000100.0,'');
INSERT INTO "seen" VALUES('00000000000700000000000000000000','g','github','push','7',1800000100.0,'');
INSERT INTO "seen" VALUES('00000000000800000000000000000000','g','github','push','8',1800000100.0,'');
INSERT INTO "seen" VALUES('00000000000900000000000000000000','h','github','push','9',1800000106.0,'');
INSERT INTO "seen" VALUES('00000000001000000000000000000000','b','github','push','10',1800000112.0,'');
INSERT INTO "seen" VALUES('00000000001100000000000000000000','g','github','push','11',1800000118.0,'');
CREATE TABLE thread (
  partition TEXT NOT NULL, key TEXT NOT NULL, thread TEXT NOT NULL, created REAL NOT NULL, posted REAL NOT NULL,
  ended REAL, version TEXT NOT NULL, PRIMARY KEY (partition, key)) WITHOUT ROWID;
INSERT INTO "thread" VALUES('g','github delivered','thread-1',1800000100.0,1800000100.0,NULL,'9093573579ed84f7');
INSERT INTO "thread" VALUES('g','github gone','thread-2',1800000100.0,1800000100.0,NULL,'bfb848b5e438ef27');
CREATE TABLE wake (partition TEXT PRIMARY KEY, due REAL NOT NULL) WITHOUT ROWID
;
INSERT INTO "wake" VALUES('b',1800000218.0);
INSERT INTO "wake" VALUES('g',1800000123.0);
INSERT INTO "wake" VALUES('h',1800000142.0);
CREATE INDEX seen_at ON seen (at);
CREATE INDEX seen_delivery ON seen (delivery);
CREATE INDEX open_partition ON open (partition);
CREATE INDEX open_due ON open (due, partition);
CREATE INDEX dead_at ON dead (at);
CREATE INDEX thread_posted ON thread (posted);
CREATE INDEX message_visible ON message (queue, visible, id)
;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('message',10);
COMMIT;
